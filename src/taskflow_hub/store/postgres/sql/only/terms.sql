-- What workers have declared of these types that is needed before a submit. Asked on a connection we know nothing of: a text in, a text out.
SELECT CAST(coalesce(json_object_agg(
    type,
    json_build_object(
        'secret', coalesce(CAST(document AS json) -> 'secret', '[]'), 'limits', coalesce(CAST(document AS json) -> 'limits', '[]')
    )
), '{}') AS text)
FROM task_types
WHERE
    type = ANY (ARRAY(SELECT json_array_elements_text(CAST(CAST($1 AS text) AS json))))
    AND (strpos(document, '"secret":["') > 0 OR strpos(document, '"limits":[{') > 0)
