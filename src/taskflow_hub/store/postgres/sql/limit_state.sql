-- The numbers that submits state, of limits whose rows are locked; what is left out stays, and so does what is pinned.
UPDATE limits
SET running = coalesce(item.running, limits.running), per_second = coalesce(item.per_second, limits.per_second)
FROM unnest($1::text[], $2::text[], $3::integer[], $4::double precision[]) AS item (account_id, key, running, per_second)
WHERE limits.account_id = ANY (ARRAY[item.account_id]) AND limits.key = item.key AND NOT limits.pinned
