-- Several servers store what one worker said, in any order: what is written has the number of its report, and gives way to a later
-- one only.
WITH item (id, progress, report) AS (VALUES /*items*/ (?, ?, ?))
UPDATE tasks
SET progress = item.progress, rev = rev + 1
FROM item
WHERE tasks.id = item.id AND coalesce(json_extract(tasks.progress, '$.n'), 0) < item.report
