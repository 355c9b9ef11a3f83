SELECT /*workflow*/ FROM workflows AS workflow WHERE workflow.id = ANY ($1::uuid[])
