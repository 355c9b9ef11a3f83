-- A refresh token of an earlier generation was used once more: that is the end.
DELETE FROM logins WHERE id = ? AND generation > ?
