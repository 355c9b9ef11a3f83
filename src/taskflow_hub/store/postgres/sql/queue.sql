-- A queue's policy.
SELECT /*queue*/
FROM queues
WHERE queues.name = $1::text
