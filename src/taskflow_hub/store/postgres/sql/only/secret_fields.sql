-- Which fields of these types are secret, as workers have declared it. Asked on a connection we know nothing of: a text in, a text out.
SELECT CAST(coalesce(json_object_agg(type, CAST(document AS json) -> 'secret'), '{}') AS text)
FROM task_types
WHERE
    type IN (SELECT json_array_elements_text(CAST(CAST($1 AS text) AS json)))
    AND strpos(document, '"secret":["') > 0
