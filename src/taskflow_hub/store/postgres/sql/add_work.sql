INSERT INTO workflow_tasks (workflow_id, node, item, task_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::uuid[])
