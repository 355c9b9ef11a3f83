-- The limits with these keys, as they are; nothing is locked.
SELECT /*limit*/
FROM unnest($2::text[], $3::text[]) AS wanted (account_id, key)
JOIN limits ON limits.account_id = ANY (ARRAY[wanted.account_id]) AND limits.key = wanted.key
