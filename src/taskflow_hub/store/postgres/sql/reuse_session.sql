-- A refresh token of an earlier generation was used once more: that is the end. Whose it was.
DELETE FROM logins WHERE id = $1 AND generation > $2::bigint RETURNING user_id
