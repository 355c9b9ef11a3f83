INSERT INTO api_keys (id, account_id, user_id, name, digest, scopes, queues, created_at, expires_at)
SELECT $2, $3, $4, $5, $6, $7::text[], $8::text[], clock.now, clock.now + $9::double precision * interval '1 second'
FROM (SELECT coalesce($1::timestamptz, now()) AS now) AS clock
RETURNING /*key*/
