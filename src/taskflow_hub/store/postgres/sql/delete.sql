-- Finished tasks of this account; answers those that were there, with how each had ended. $3: none of them can have finished before. $4: the
-- shard.
WITH locked AS MATERIALIZED (
    SELECT id FROM finished_tasks
    WHERE id = ANY ($1::uuid[]) AND account_id = $2::text AND finished_at >= $3::timestamptz
    ORDER BY id
    FOR UPDATE
),
back AS (
    DELETE FROM finished_tasks AS task USING locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND task.finished_at >= $3::timestamptz
    RETURNING task.*
),
here AS (SELECT $4::smallint AS shard),
unfailed AS (/*unfailed*/)
SELECT id::text AS id, status FROM back
