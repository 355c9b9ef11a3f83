-- Hold the rows of live tasks, so that what the next statement sees of them stays so.
SELECT id::text AS id, status, attempt, account_id FROM tasks WHERE id = ANY ($1::uuid[]) ORDER BY tasks.id FOR UPDATE
