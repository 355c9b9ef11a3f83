-- Of a day of failed tasks that goes.
DELETE FROM failures WHERE hour >= $1::timestamptz AND hour < $2::timestamptz
