-- Claimed for a task that is refused.
DELETE FROM unique_keys AS held
USING unnest($1::text[], $2::text[], $3::text[]) AS wanted (account_id, type, key)
WHERE held.account_id = ANY (ARRAY[wanted.account_id]) AND held.type = wanted.type AND held.key = wanted.key
