SELECT json_group_object(id, account_id) FROM (
    SELECT tasks.id, account_id FROM json_each(?) AS item CROSS JOIN tasks ON tasks.id = item.value
    UNION ALL
    SELECT finished_tasks.id, account_id FROM json_each(?) AS item CROSS JOIN finished_tasks ON finished_tasks.id = item.value
)
