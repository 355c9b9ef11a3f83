-- In how many seconds the next one falls due, and from where on to look the next time: the index keeps entries of what was promoted
-- while a transaction is held open elsewhere ($2: from where on this time; null: the start).
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
next AS (
    SELECT (
        SELECT run_at FROM tasks
        WHERE status = 'scheduled' AND run_at >= coalesce($2::timestamptz, '-infinity')
        ORDER BY run_at LIMIT 1
    ) AS at
)
SELECT extract(epoch FROM next.at - clock.now)::double precision AS in_s, least(next.at, clock.now) AS front
FROM clock CROSS JOIN next
