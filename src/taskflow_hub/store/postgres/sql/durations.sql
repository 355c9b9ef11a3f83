-- What one process has counted so far: for these rows, in their order.
SELECT durations.waited, durations.ran
FROM unnest($2::text[], $3::text[], $4::integer[], $5::timestamptz[]) WITH ORDINALITY AS item (account_id, queue, step_s, at, n)
    LEFT JOIN LATERAL (
        SELECT waited, ran FROM durations
        WHERE
            durations.account_id = item.account_id AND durations.queue = item.queue AND durations.step_s = item.step_s
            AND durations.at BETWEEN item.at AND item.at AND durations.process = $1
        ORDER BY durations.at
        OFFSET 0
    ) AS durations ON true
ORDER BY n
