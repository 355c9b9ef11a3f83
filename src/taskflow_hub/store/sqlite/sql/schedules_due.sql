-- The longest due first, but for those that are passed over.
SELECT json_group_array(json(row)) FROM (
    SELECT /*schedule*/ AS row FROM schedules INDEXED BY schedules_due
    WHERE next_at <= ? AND next_at IS NOT NULL AND paused_at IS NULL AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY next_at, id
    LIMIT ?
)
