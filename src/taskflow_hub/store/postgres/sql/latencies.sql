-- Of every process.
SELECT one.at, one.waited, one.ran
FROM
    (SELECT DISTINCT queue FROM unnest($2::text[]) AS asked (queue)) AS asked
    CROSS JOIN LATERAL (
        SELECT at, waited, ran FROM durations
        WHERE durations.account_id = $1 AND durations.queue = asked.queue AND step_s = $4 AND at >= $3::timestamptz
        ORDER BY at
        OFFSET 0
    ) AS one
ORDER BY one.at
