-- Looked at again now that their rows are locked (only/prune_unique_lock.sql): a task may have taken one, or have been redriven with it,
-- in the moment between the look and the lock (trap a of the design).
DELETE FROM unique_keys AS held
USING unnest($2::text[], $3::text[], $4::text[]) AS locked (account_id, type, key)
WHERE
    held.account_id = ANY (ARRAY[locked.account_id]) AND held.type = locked.type AND held.key = locked.key
    AND held.until <= coalesce($1::timestamptz, now())
    AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = held.task_id OFFSET 0)
