-- Only from where the caller believes it to stand ($3); no cursor any more ($4): it is done. One that was aborted while its chunk was in
-- flight stays as it ended and only counts that chunk: once, for '' is no place from which anyone goes on. Whoever waits
-- here for another process finds the cursor moved, and does nothing.
UPDATE bulks
SET
    cursor = CASE WHEN status = 'aborted' THEN '' ELSE $4::text END,
    done = done + $5::bigint, skipped = skipped + $6::bigint,
    status = CASE WHEN status = 'running' AND $4::text IS NULL THEN 'done' ELSE status END,
    finished_at = CASE WHEN status = 'running' AND $4::text IS NULL THEN coalesce($1::timestamptz, now()) ELSE finished_at END
WHERE id = $2::uuid AND status IN ('running', 'aborted') AND cursor IS NOT DISTINCT FROM $3::text
RETURNING status <> 'aborted'
