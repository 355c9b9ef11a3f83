-- What a batch of submits has to know, in one answer: the time, the home queues of types that were submitted without a queue,
-- which of the queues concerned have a bound and which of the accounts quotas, and a place in the line for each task that may
-- want one (what is not used is a gap). And from here on the transaction does not wait long for what others have locked.
SELECT
    coalesce($1::timestamptz, now()) AS now,
    ARRAY(SELECT ARRAY[type, queue] FROM task_types WHERE type = ANY ($2::text[])) AS homes,
    ARRAY(
        SELECT name FROM queues
        WHERE
            max_size IS NOT NULL
            AND (
                name = ANY ($3::text[])
                OR name IN (SELECT queue FROM task_types WHERE type = ANY ($2::text[]))
            )
    ) AS bounded,
    ARRAY(
        SELECT account_id FROM quotas
        WHERE
            account_id = ANY ($6::text[])
            AND (per_minute IS NOT NULL OR per_day IS NOT NULL OR queued IS NOT NULL)
    ) AS quoted,
    ARRAY(SELECT nextval('task_seq') FROM generate_series(1, $4::integer)) AS places,
    set_config('lock_timeout', $5::text, true)
