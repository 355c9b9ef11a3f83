-- The holder of a key, if it still holds it: [task id, its status]. It does while it is unfinished, or until the window ends.
SELECT json_array(held.task_id, coalesce(live.status, finished.status))
FROM unique_keys AS held
LEFT JOIN tasks AS live ON live.id = held.task_id
LEFT JOIN finished_tasks AS finished ON finished.id = held.task_id
WHERE
    held.account_id = ? AND held.type = ? AND held.key = ?
    AND (live.id IS NOT NULL OR (finished.id IS NOT NULL AND held.until > ?))
