-- The limits with these keys, locked for this lease, but for those that another transaction has in its hands: a lease has locked
-- workers and tasks by now, so it must not wait. What runs under them is counted by the next statement (trap c of the design).
SELECT /*limit*/
FROM unnest($2::text[], $3::text[]) AS wanted (account_id, key)
JOIN limits ON limits.account_id = ANY (ARRAY[wanted.account_id]) AND limits.key = wanted.key
FOR NO KEY UPDATE OF limits SKIP LOCKED
