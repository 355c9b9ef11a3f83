INSERT INTO workflow_graphs (workflow_id, graph)
SELECT * FROM (VALUES /*items*/ (?, ?))
WHERE column1 IS NOT NULL
