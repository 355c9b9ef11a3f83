DELETE FROM leaving_days WHERE name = $1
