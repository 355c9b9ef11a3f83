-- Of an account, or of any.
WITH asked (id, account_id) AS (VALUES (?, ?))
SELECT /*workflow_facts*/
FROM asked CROSS JOIN workflows AS workflow ON workflow.id = asked.id
WHERE workflow.account_id = coalesce(asked.account_id, workflow.account_id)
