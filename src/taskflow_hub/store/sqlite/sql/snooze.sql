-- running → scheduled, not counted.
WITH item (id, run_at) AS (VALUES /*items*/ (?, ?))
UPDATE tasks
SET
    status = 'scheduled', run_at = item.run_at,
    started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = rev + 1
FROM item
WHERE tasks.id = item.id
