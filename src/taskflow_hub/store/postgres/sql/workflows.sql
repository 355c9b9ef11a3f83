-- Workflows that are no sub-workflows and meet the conditions, which store/workflow_pages.py writes, newest first.
SELECT /*workflow_facts*/ FROM workflows AS workflow
/* where */
ORDER BY workflow.id DESC
LIMIT /* limit */
