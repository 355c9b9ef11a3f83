-- A refresh token of an earlier generation was used once more: that is the end. Whose it was.
DELETE FROM logins WHERE id = ? AND generation > ? RETURNING user_id
