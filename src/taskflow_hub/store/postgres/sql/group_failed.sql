-- Tasks that failed under an older version are given their fingerprints, and counted: they are listed, and answered are those that
-- still were failed. Of what was locked before (ungrouped.sql).
WITH item AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $3::timestamptz[], $4::text[]) AS item (id, finished_at, fingerprint)
),
kept AS (
    UPDATE finished_tasks AS task
    SET fingerprint = item.fingerprint
    FROM item
    WHERE
        task.id = ANY (ARRAY[item.id]) AND task.finished_at = item.finished_at AND task.status = 'failed'
        AND task.fingerprint IS NULL
    RETURNING task.account_id, task.queue, task.type, task.finished_at, task.id, task.fingerprint
),
grouped AS (/*failed*/)
SELECT count(*) FROM kept
