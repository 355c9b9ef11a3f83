-- scheduled → queued, at the end of the line, in the order given.
WITH line (first) AS (VALUES (?))
UPDATE tasks
SET status = 'queued', seq = line.first + item.key, rev = rev + 1
FROM json_each(?) AS item, line
WHERE tasks.id = item.value AND tasks.status = 'scheduled'
