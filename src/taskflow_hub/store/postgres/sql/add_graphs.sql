INSERT INTO workflow_graphs (workflow_id, graph) SELECT * FROM unnest($1::uuid[], $2::text[])
