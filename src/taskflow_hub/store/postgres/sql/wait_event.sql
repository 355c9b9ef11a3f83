-- Waits are decided: the event came (its payload), or did not (null).
WITH item AS MATERIALIZED (
    SELECT item.*, 'event' AS kind FROM unnest($2::uuid[], $3::text[], $4::text[]) AS item (id, name, payload)
)
UPDATE task_steps AS step
SET decided_at = coalesce($1::timestamptz, now()), octets = coalesce(octet_length(item.payload), 0), result = item.payload
FROM item
WHERE step.task_id = ANY (ARRAY[item.id]) AND step.kind = item.kind AND step.name = item.name AND step.decided_at IS NULL
