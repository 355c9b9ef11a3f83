-- Whose it was, if it was there.
DELETE FROM logins WHERE id = $1 RETURNING user_id
