-- Accounts with quotas, locked in the order of their ids: whoever else submits for them waits here, but not long ($2), for who submits
-- within a transaction of their own may keep it open, and everybody else's submits stand behind. What they have used is read by the next
-- statement (trap c of the design), which waits as long as before again.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', $2::text, true))
SELECT quotas.account_id
FROM quotas CROSS JOIN patience
WHERE quotas.account_id = ANY ($1::text[])
ORDER BY quotas.account_id COLLATE "C"
FOR UPDATE OF quotas
