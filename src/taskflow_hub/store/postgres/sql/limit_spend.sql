-- So many tokens are left of these rates, whose rows are locked.
UPDATE limits SET tokens = item.tokens, filled_at = item.at
FROM unnest($1::text[], $2::text[], $3::double precision[], $4::timestamptz[]) AS item (account_id, key, tokens, at)
WHERE limits.account_id = ANY (ARRAY[item.account_id]) AND limits.key = item.key
