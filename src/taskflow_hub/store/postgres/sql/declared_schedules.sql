-- Those that code has declared for these types, or (type null) of workflows, or in this program, and those of these names; locked,
-- so that of two workers one comes second.
SELECT /*schedule*/
FROM schedules
WHERE
    account_id = $1
    AND (
        (origin = 'code' AND (type IS NULL OR type = ANY ($2::text[]) OR application = $3))
        OR name = ANY ($4::text[])
    )
ORDER BY id
FOR UPDATE
