-- Ready tasks whose limits let none start now leave the ready index. A lease that finds room for them takes them from there.
WITH item (place, hold) AS (VALUES /*items*/ (?, ?))
UPDATE tasks SET hold = item.hold, rev = rev + 1
FROM item
WHERE tasks.rowid = item.place
