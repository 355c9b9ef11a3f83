-- Workflows that are no sub-workflows and meet the conditions, which store/workflow_pages.py writes, newest first.
SELECT json_group_array(json(/*workflow_facts*/))
FROM (SELECT * FROM workflows AS workflow /* where */ ORDER BY workflow.id DESC LIMIT /* limit */) AS workflow
