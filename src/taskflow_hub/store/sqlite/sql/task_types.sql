SELECT '[' || coalesce(group_concat(document), '') || ']' FROM (SELECT document FROM task_types ORDER BY type)
