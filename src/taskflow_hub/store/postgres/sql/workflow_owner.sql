-- Whose it is, and its root.
SELECT account_id, root_id::text AS root_id FROM workflows WHERE id = $1::uuid
