-- Whose it was, if it was there.
DELETE FROM logins WHERE id = ? RETURNING user_id
