-- What a batch of submits has to know, in one answer: home queues and bounds (few rows each), and the newest ids there are:
-- whatever is newer cannot be a repetition.
SELECT json_object(
    'homes', (SELECT json_group_object(type, queue) FROM task_types),
    'bounds', (SELECT json_group_object(name, max_size) FROM queues WHERE max_size IS NOT NULL),
    'newest', max(
        coalesce((SELECT max(id) FROM tasks), ''),
        coalesce((SELECT max(id) FROM finished_tasks), '')
    )
)
