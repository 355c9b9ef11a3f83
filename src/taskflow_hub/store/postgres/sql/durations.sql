-- What one process has counted so far: for these rows, in their order.
SELECT durations.waited, durations.ran
FROM unnest($2::text[], $3::text[], $4::integer[], $5::timestamptz[]) WITH ORDINALITY AS item (account_id, queue, step_s, at, n)
    LEFT JOIN durations ON durations.process = $1 AND durations.account_id = item.account_id AND durations.queue = item.queue
        AND durations.step_s = item.step_s AND durations.at = item.at
ORDER BY n
