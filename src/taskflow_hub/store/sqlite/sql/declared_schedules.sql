-- Those that code has declared for these types, or (type null) of workflows, or in this program, and those of these names.
SELECT json_group_array(json(row)) FROM (
    SELECT /*schedule*/ AS row FROM schedules
    WHERE
        account_id = ?1
        AND (
            (origin = 'code' AND (type IS NULL OR type IN (SELECT value FROM json_each(?2)) OR application = ?3))
            OR name IN (SELECT value FROM json_each(?4))
        )
    ORDER BY id
)
