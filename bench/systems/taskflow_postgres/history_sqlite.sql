-- :begin: when the first finished, in µs; :first, :last: their numbers. An id begins with its time, as those do that the hub makes.
INSERT INTO finished_tasks (/*columns*/)
WITH RECURSIVE
numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :last),
times (n, at, ms) AS (SELECT n, :begin + n * 40000, (:begin + n * 40000) / 1000 FROM numbers),
moment (id, at) AS (SELECT printf('%08x-%04x-7000-8000-%012x', ms >> 16, ms & 65535, n), at FROM times),
one AS (SELECT * FROM finished_tasks WHERE status = 'success' LIMIT 1)
SELECT /*values*/ FROM moment CROSS JOIN one
