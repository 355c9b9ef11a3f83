-- Of an account, or of any.
SELECT /*workflow_facts*/
FROM workflows AS workflow
WHERE workflow.id = $1::uuid AND workflow.account_id = coalesce($2::text, workflow.account_id)
