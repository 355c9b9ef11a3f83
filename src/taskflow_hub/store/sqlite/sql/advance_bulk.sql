-- Only from where the caller believes it to stand; no cursor any more: it is done.
WITH step (expected, cursor, done, skipped, now) AS (VALUES (?, ?, ?, ?, ?))
UPDATE bulks
SET
    cursor = step.cursor, done = bulks.done + step.done, skipped = bulks.skipped + step.skipped,
    status = CASE WHEN step.cursor IS NULL THEN 'done' ELSE status END,
    finished_at = CASE WHEN step.cursor IS NULL THEN step.now END
FROM step
WHERE id = ? AND status = 'running' AND bulks.cursor IS step.expected
