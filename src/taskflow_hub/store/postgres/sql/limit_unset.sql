-- A limit of a queue, or of an account's running tasks, is there only while it has a number.
DELETE FROM limits
WHERE account_id = '' AND key = $1::text AND running IS NULL AND per_second IS NULL
