-- The time, when the locks that this transaction has wanted are in its hands.
SELECT coalesce($1::timestamptz, clock_timestamp())
