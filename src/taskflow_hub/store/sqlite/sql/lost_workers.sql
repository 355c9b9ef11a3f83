SELECT json_group_array(json_array(id, name, host)) FROM (
    SELECT id, name, host FROM workers WHERE lost = 1 AND died_at >= ? ORDER BY died_at DESC, id LIMIT ?
)
