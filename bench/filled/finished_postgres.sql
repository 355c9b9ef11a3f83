-- $1: when the first finished; $2: µs between two of them; $3, $4: their numbers. An id begins with its time, as those do that the
-- hub makes.
INSERT INTO finished_tasks (/*columns*/)
SELECT /*values*/
FROM generate_series($3::bigint, $4::bigint - 1) AS n
CROSS JOIN LATERAL (SELECT $1::timestamptz + n * $2::bigint * interval '1 microsecond' AS at) AS begun
CROSS JOIN LATERAL (
    SELECT
        begun.at,
        (lpad(to_hex((extract(epoch FROM begun.at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id,
        CASE WHEN n % 20 = 0 THEN 'failed' WHEN n % 50 = 1 THEN 'cancelled' ELSE 'success' END AS status,
        'bench.t' || n % 7 AS type,
        'q' || n % 7 % 4 AS queue,
        '00000000-0000-7000-8000-00000000000' || n % 3 AS user,
        CASE WHEN n % 1000 = 0 THEN '{often,seldom}' WHEN n % 5 = 0 THEN '{often}' ELSE '{}' END::text[] AS tags,
        CASE WHEN n % 20 = 0 THEN lpad(to_hex(n % 7 * 50 + n / 20 % 50), 16, '0') END AS fingerprint
) AS made
JOIN (SELECT DISTINCT ON (status) * FROM finished_tasks WHERE queue = 'seed' ORDER BY status) AS one ON one.status = made.status
