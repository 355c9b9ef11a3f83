SELECT id, name, host FROM workers WHERE lost AND died_at >= $1::timestamptz ORDER BY died_at DESC, id LIMIT $2::bigint
