-- :begin: when the first finished; :apart: µs between two of them; :first, :last: their numbers. An id begins with its time, as
-- those do that the hub makes.
INSERT INTO finished_tasks (/*columns*/)
WITH RECURSIVE
numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :last),
times (n, at, ms) AS (SELECT n, :begin + n * :apart, (:begin + n * :apart) / 1000 FROM numbers),
made (id, at, status, type, queue, user, tags, fingerprint) AS (
    SELECT
        printf('%08x-%04x-7000-8000-%012x', ms >> 16, ms & 65535, n),
        at,
        CASE WHEN n % 20 = 0 THEN 'failed' WHEN n % 50 = 1 THEN 'cancelled' ELSE 'success' END,
        'bench.t' || n % 7,
        'q' || n % 7 % 4,
        '00000000-0000-7000-8000-00000000000' || n % 3,
        CASE WHEN n % 1000 = 0 THEN '["often","seldom"]' WHEN n % 5 = 0 THEN '["often"]' ELSE '[]' END,
        CASE WHEN n % 20 = 0 THEN printf('%016x', n % 7 * 50 + n / 20 % 50) END
    FROM times
),
seed AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY status) AS number FROM finished_tasks WHERE queue = 'seed')
SELECT /*values*/ FROM made JOIN (SELECT * FROM seed WHERE number = 1) AS one ON one.status = made.status
