-- How many nodes workflows have in each state.
SELECT workflow_id::text AS workflow_id, status, count(*) AS nodes
FROM workflow_nodes
WHERE workflow_id = ANY ($1::uuid[])
GROUP BY workflow_id, status
