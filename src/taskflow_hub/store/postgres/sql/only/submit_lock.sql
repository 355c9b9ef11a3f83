-- The tasks a batch depends on, locked in the order of their ids: parents whose attempts submit, so that no report of theirs
-- comes in between, and holders of unique keys that shall make way, so that they are not leased.
SELECT id::text AS id, status, attempt, queue FROM tasks
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
