-- Accounts with quotas, locked in the order of their ids: whoever else submits for them waits here. What they have used is read by the
-- next statement (trap c of the design).
SELECT account_id FROM quotas
WHERE account_id = ANY ($1::text[])
ORDER BY account_id COLLATE "C"
FOR UPDATE
