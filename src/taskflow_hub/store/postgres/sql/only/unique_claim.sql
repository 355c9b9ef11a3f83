-- Take the keys that have no row. The rows that are there are not returned, but locked: nobody else can take or free such a key
-- before our commit. In one order for all processes.
INSERT INTO unique_keys (account_id, type, key, task_id, until)
SELECT wanted.account_id, wanted.type, wanted.key, wanted.task_id, wanted.until
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
    AS wanted (account_id, type, key, task_id, until)
ORDER BY wanted.account_id COLLATE "C", wanted.type COLLATE "C", wanted.key COLLATE "C"
ON CONFLICT (account_id, type, key) DO UPDATE SET until = excluded.until WHERE false
RETURNING account_id, type, key
