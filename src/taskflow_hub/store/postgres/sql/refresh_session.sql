-- Only from the present generation ($3) on; whose it is. Of several at once the others wait here, and find the next generation.
UPDATE logins
SET
    generation = generation + 1,
    expires_at = coalesce($1::timestamptz, now()) + $4::double precision * interval '1 second'
WHERE id = $2 AND generation = $3::bigint AND expires_at > coalesce($1::timestamptz, now())
RETURNING user_id
