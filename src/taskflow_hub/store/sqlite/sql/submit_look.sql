-- What a batch of submits has to know, in one answer: home queues and bounds (few rows each), the quotas of its accounts, and
-- the newest ids there are: whatever is newer cannot be a repetition.
SELECT json_object(
    'homes', (SELECT json_group_object(type, queue) FROM task_types),
    'bounds', (SELECT json_group_object(name, max_size) FROM queues WHERE max_size IS NOT NULL),
    'quotas', (
        SELECT json_group_array(json_array(account_id, per_minute, per_day, queued, minute, in_minute, day, in_day))
        FROM quotas
        WHERE
            account_id IN (SELECT value FROM json_each(?))
            AND (per_minute IS NOT NULL OR per_day IS NOT NULL OR queued IS NOT NULL)
    ),
    'newest', max(
        coalesce((SELECT max(id) FROM tasks), ''),
        coalesce((SELECT max(id) FROM finished_tasks), '')
    )
)
