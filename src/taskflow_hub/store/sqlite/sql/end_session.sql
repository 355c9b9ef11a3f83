DELETE FROM logins WHERE id = ?
