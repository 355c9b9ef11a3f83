-- The same of one outcome that is rare beside `fired`, so it has an index of its own.
SELECT json_group_array(json(row)) FROM (
    SELECT /*fire*/ AS row FROM schedule_fires INDEXED BY schedule_fires_other
    WHERE schedule_id = ?1 AND planned_at < coalesce(?2, 9e18) AND outcome = ?3 AND outcome <> 'fired'
    ORDER BY planned_at DESC
    LIMIT ?4
)
