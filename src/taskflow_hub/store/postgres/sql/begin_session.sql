-- The user's row is locked, so that a new password, which ends all sessions, comes either before this one or sees it.
INSERT INTO logins (id, user_id, generation, created_at, expires_at)
SELECT $2::text, account_users.id, 1, clock.now, clock.now + $4::double precision * interval '1 second'
FROM account_users, (SELECT coalesce($1::timestamptz, now()) AS now) AS clock
WHERE account_users.id = $3 AND password_hash = coalesce($5::text, password_hash)
FOR SHARE OF account_users
