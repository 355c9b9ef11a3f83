-- For a submit within somebody else's transaction: count what is made.
counted AS (
    UPDATE quotas
    SET
        minute = used.minute, in_minute = used.in_minute + used.tasks, day = used.day, in_day = used.in_day + used.tasks
    FROM used CROSS JOIN clear
    WHERE
        clear.ahead AND quotas.account_id = ANY (ARRAY[used.account_id])
        AND (used.per_minute IS NOT NULL OR used.per_day IS NOT NULL)
),
