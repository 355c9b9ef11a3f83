-- Limits that were claimed for tasks that are refused: they have no numbers.
DELETE FROM limits
USING unnest($1::text[], $2::text[]) AS refused (account_id, key)
WHERE limits.account_id = ANY (ARRAY[refused.account_id]) AND limits.key = refused.key
