-- Nothing is changed where somebody has this address.
INSERT INTO account_users (id, account_id, email, address, password_hash, role, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (address) DO NOTHING
