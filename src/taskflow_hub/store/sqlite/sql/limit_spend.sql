-- So many tokens are left of these rates.
WITH clock (now) AS (VALUES (?)),
item (account_id, key, tokens) AS (VALUES /*items*/ (?, ?, ?))
UPDATE limits SET tokens = item.tokens, filled_at = clock.now
FROM item, clock
WHERE limits.account_id = item.account_id AND limits.key = item.key
