-- What has to be known of tasks that shall run again: [id, status, type, unique key].
WITH wanted (id, account_id) AS (SELECT item.value, account.id FROM json_each(?) AS item, (SELECT ? AS id) AS account)
SELECT json_group_array(json_array(id, status, type, unique_key)) FROM (
    SELECT t.id, t.status, t.type, t.unique_key
    FROM wanted CROSS JOIN tasks AS t ON t.id = wanted.id AND t.account_id = wanted.account_id
    UNION ALL
    SELECT f.id, f.status, f.type, f.unique_key
    FROM wanted CROSS JOIN finished_tasks AS f ON f.id = wanted.id AND f.account_id = wanted.account_id
)
