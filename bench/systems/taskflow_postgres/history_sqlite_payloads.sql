-- The payloads of the same. Those of no-op tasks are all alike.
INSERT INTO payloads (task_id, octets, payload)
WITH RECURSIVE
numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :last),
times (n, ms) AS (SELECT n, (:begin + n * 40000) / 1000 FROM numbers),
moment (id) AS (SELECT printf('%08x-%04x-7000-8000-%012x', ms >> 16, ms & 65535, n) FROM times)
SELECT moment.id, one.octets, one.payload
FROM moment CROSS JOIN (SELECT octets, payload FROM payloads LIMIT 1) AS one
