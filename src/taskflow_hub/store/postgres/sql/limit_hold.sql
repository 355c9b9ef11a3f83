-- Ready tasks whose limits let none start now leave the ready index, as far as nobody else is just taking them; answers which. A
-- lease that finds room for them takes them from there.
WITH item AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS item (id, hold)),
ready AS MATERIALIZED (
    SELECT id, status, hold FROM tasks WHERE id = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED
)
UPDATE tasks AS task
SET hold = item.hold, rev = task.rev + 1
FROM ready JOIN item ON item.id = ready.id
WHERE task.id = ANY (ARRAY[ready.id]) AND ready.status = 'queued' AND ready.hold IS NULL
RETURNING task.id::text AS id
