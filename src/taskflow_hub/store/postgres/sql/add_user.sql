-- No row comes back where somebody has this address. Whoever is just registering with it is waited for.
INSERT INTO account_users (id, account_id, email, address, password_hash, role, created_at)
VALUES ($2, $3, $4, $5, $6, $7, coalesce($1::timestamptz, now()))
ON CONFLICT (address) DO NOTHING
RETURNING /*user*/
