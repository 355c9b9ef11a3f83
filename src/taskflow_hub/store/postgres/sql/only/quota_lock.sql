-- An account's row, made if there is none, and locked: of two who change it at once the second sees what the first has done (in a second
-- statement: trap c of the design).
INSERT INTO quotas (account_id) VALUES ($1::text)
ON CONFLICT (account_id) DO UPDATE SET account_id = excluded.account_id
