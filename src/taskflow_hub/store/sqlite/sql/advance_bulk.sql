-- Only from where the caller believes it to stand; no cursor any more: it is done. One that was aborted while its chunk was in flight
-- stays as it ended and only counts that chunk: once, for '' is no place from which anyone goes on.
WITH step (expected, cursor, done, skipped, now) AS (VALUES (?, ?, ?, ?, ?))
UPDATE bulks
SET
    cursor = CASE WHEN status = 'aborted' THEN '' ELSE step.cursor END,
    done = bulks.done + step.done, skipped = bulks.skipped + step.skipped,
    status = CASE WHEN status = 'running' AND step.cursor IS NULL THEN 'done' ELSE status END,
    finished_at = CASE WHEN status = 'running' AND step.cursor IS NULL THEN step.now ELSE finished_at END
FROM step
WHERE id = ? AND status IN ('running', 'aborted') AND bulks.cursor IS step.expected
RETURNING status <> 'aborted'
