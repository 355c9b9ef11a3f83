-- For lease_look: what each of these workers runs. That is what was seen running before (looked up by id, and by nothing else, for
-- the other index has an entry for every lease that vacuum could not remove yet), and what it was given since.
WITH mine (worker, upto) AS (SELECT * FROM unnest($2::text[], $3::bigint[])),
seen AS MATERIALIZED (
    SELECT worker, id, lease_no, crashes, status FROM tasks WHERE id = ANY ($4::uuid[])
),
found (worker, id, lease_no, crashes) AS (
    SELECT worker, id, lease_no, crashes FROM seen WHERE status = 'running' AND worker = ANY ($2::text[])
    UNION
    SELECT mine.worker, since.id, since.lease_no, since.crashes
    FROM mine CROSS JOIN LATERAL (
        SELECT task.id, task.lease_no, task.crashes
        FROM tasks AS task
        WHERE task.worker = mine.worker AND task.status = 'running' AND task.lease_no > mine.upto
        OFFSET 0
    ) AS since
)
SELECT worker, array_agg(id::text) AS ids, max(lease_no) AS upto, bool_or(crashes >= $5::integer) AS alone
FROM found
GROUP BY worker
