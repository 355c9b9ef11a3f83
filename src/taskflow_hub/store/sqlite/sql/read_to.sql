-- The last of so many tasks, newest first, if there are as many.
SELECT id FROM (/*branches*/) ORDER BY id DESC LIMIT 1 OFFSET ?
