-- For a submit within somebody else's transaction: the last numbers that are stated of each limit, if they are not known already, and it is not pinned.
numbered AS (
    INSERT INTO limits AS there (account_id, key, running, per_second)
    SELECT last.account_id, last.key, last.running, last.per_second
    FROM (
        SELECT
            account_id, key, bool_and(known) AS known, max(was_running) AS was_running, max(was_per_second) AS was_per_second,
            (array_agg(running ORDER BY n DESC) FILTER (WHERE running IS NOT NULL))[1] AS running,
            (array_agg(per_second ORDER BY n DESC) FILTER (WHERE per_second IS NOT NULL))[1] AS per_second
        FROM named
        WHERE NOT pinned
        GROUP BY account_id, key
    ) AS last CROSS JOIN clear
    WHERE
        clear.ahead
        AND (
            NOT last.known OR coalesce(last.running, last.was_running) IS DISTINCT FROM last.was_running
            OR coalesce(last.per_second, last.was_per_second) IS DISTINCT FROM last.was_per_second
        )
    ORDER BY last.account_id COLLATE "C", last.key COLLATE "C"
    ON CONFLICT (account_id, key) DO UPDATE
    SET
        running = coalesce(excluded.running, there.running), per_second = coalesce(excluded.per_second, there.per_second)
    WHERE NOT there.pinned
),
