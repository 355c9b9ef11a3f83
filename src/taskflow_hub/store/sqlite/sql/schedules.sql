-- Newest first; null: no condition. Few rows in all, compared with tasks.
SELECT json_group_array(json(row)) FROM (
    SELECT /*schedule*/ AS row FROM schedules
    WHERE
        (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR id < ?2)
        AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR type = ?4)
        AND (?5 IS NULL OR (paused_at IS NOT NULL) = ?5)
    ORDER BY id DESC
    LIMIT ?6
)
