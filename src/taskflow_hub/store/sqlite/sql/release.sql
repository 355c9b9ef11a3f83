-- running → queued with its old `seq`: the front of the line. `ended_by` tells a duplicate, for there may be no attempt row.
WITH item (id) AS (VALUES /*items*/ (?))
UPDATE tasks
SET
    status = 'queued', ended_by = 'released', started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = rev + 1
FROM item
WHERE tasks.id = item.id
