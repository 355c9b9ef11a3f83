-- What one process has counted so far: for these rows, in their order.
SELECT json_group_array(json_array(json(waited), json(ran))) FROM (
    SELECT durations.waited, durations.ran
    FROM json_each(?2) AS item LEFT JOIN durations
        ON durations.process = ?1 AND durations.account_id = item.value ->> 0 AND durations.queue = item.value ->> 1
        AND durations.step_s = item.value ->> 2 AND durations.at = item.value ->> 3
    ORDER BY item.key
)
