-- Who stands in the rows of these keys, and whether that is unfinished (`status`, `queue`) or its window still open (`windowed`).
-- If it is neither, the row holds nothing any more. Finished tasks are not joined here: over all days of history that would
-- be expensive to plan, and the few that matter are looked up by id.
SELECT
    held.account_id, held.type, held.key, held.task_id::text AS holder, live.status, live.queue,
    held.until > coalesce($1::timestamptz, now()) AS windowed
FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (account_id, type, key)
JOIN unique_keys AS held
    ON held.account_id = ANY (ARRAY[wanted.account_id]) AND held.type = wanted.type AND held.key = wanted.key
LEFT JOIN tasks AS live ON live.id = ANY (ARRAY[held.task_id])
