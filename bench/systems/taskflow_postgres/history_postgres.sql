-- $1: when the first finished; $2, $3: their numbers. An id begins with its time, as those do that the hub makes.
INSERT INTO finished_tasks (/*columns*/)
SELECT /*values*/
FROM (SELECT * FROM finished_tasks WHERE status = 'success' LIMIT 1) AS one
CROSS JOIN generate_series($2::bigint, $3::bigint - 1) AS n
CROSS JOIN LATERAL (SELECT $1::timestamptz + n * interval '40 milliseconds' AS at) AS begun
CROSS JOIN LATERAL (
    SELECT begun.at,
        (lpad(to_hex((extract(epoch FROM begun.at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id
) AS moment
