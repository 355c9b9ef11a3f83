-- Workflows, locked in the order of their ids: before anything else that is locked.
SELECT /*workflow*/
FROM workflows AS workflow
WHERE workflow.id = ANY ($1::uuid[])
ORDER BY workflow.id
FOR UPDATE
