-- running → scheduled, counted.
WITH item (id, run_at, error) AS (VALUES /*items*/ (?, ?, ?))
UPDATE tasks
SET
    status = 'scheduled', run_at = item.run_at, error = item.error, retry_count = retry_count + 1,
    started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = rev + 1
FROM item
WHERE tasks.id = item.id
