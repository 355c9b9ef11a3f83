-- Keys whose rows are locked by now, and who holds them from here on.
UPDATE unique_keys AS held
SET task_id = wanted.task_id, until = wanted.until
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
    AS wanted (account_id, type, key, task_id, until)
WHERE held.account_id = ANY (ARRAY[wanted.account_id]) AND held.type = wanted.type AND held.key = wanted.key
