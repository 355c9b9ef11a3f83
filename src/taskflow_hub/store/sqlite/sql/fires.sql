-- Newest first.
SELECT json_group_array(json(row)) FROM (
    SELECT /*fire*/ AS row FROM schedule_fires
    WHERE schedule_id = ?1 AND planned_at < coalesce(?2, 9e18) AND (?3 IS NULL OR outcome = ?3)
    ORDER BY planned_at DESC
    LIMIT ?4
)
