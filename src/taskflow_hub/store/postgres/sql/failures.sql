-- A page of groups of which some tasks are still failed, in order of `rank`: how many they are ($6), or when the last failed. For each
-- its trend as [[step, how many]], and the last task that failed, if it still is, else the newest that is.
WITH chosen AS NOT MATERIALIZED (
    SELECT account_id, fingerprint, type, failed, gone, first_at, last_at, last_task_id, hour
    FROM failures
    WHERE /* whose */ hour >= $1::timestamptz AND ($2::text IS NULL OR type = $2) AND ($3::text[] IS NULL OR queue = ANY ($3))
),
kind AS (
    SELECT
        fingerprint, min(type COLLATE "C") AS type, sum(failed) - sum(gone) AS count, min(first_at) AS first_at,
        max(last_at) AS last_at
    FROM chosen
    GROUP BY fingerprint
    HAVING sum(failed) > sum(gone)
),
page AS MATERIALIZED (
    SELECT *
    FROM (
        SELECT kind.*, CASE WHEN $6::boolean THEN count ELSE (extract(epoch FROM last_at) * 1000000)::bigint END AS rank FROM kind
    ) AS ranked
    WHERE $4::bigint IS NULL OR (rank, fingerprint) < ($4, $5::text)
    ORDER BY rank DESC, fingerprint DESC
    LIMIT $8::bigint
),
shown AS MATERIALIZED (
    SELECT chosen.* FROM chosen JOIN page USING (fingerprint)
),
trend AS (
    SELECT fingerprint, json_agg(json_build_array(step, failed) ORDER BY step)::text AS steps
    FROM (
        SELECT fingerprint, floor(date_part('epoch', hour - $1::timestamptz) / $7::bigint)::integer AS step, sum(failed) AS failed
        FROM shown
        GROUP BY 1, 2
    ) AS stepped
    GROUP BY fingerprint
),
tip AS (
    SELECT DISTINCT ON (fingerprint) fingerprint, account_id, last_task_id
    FROM shown
    WHERE last_at IS NOT NULL
    ORDER BY fingerprint, last_at DESC, last_task_id DESC
)
SELECT
    page.fingerprint, page.type, page.count, page.first_at, page.last_at, page.rank, trend.steps, task.id, task.reason, task.error
FROM
    page
    JOIN trend USING (fingerprint)
    JOIN tip USING (fingerprint)
    LEFT JOIN LATERAL (
        (
            SELECT id::text AS id, reason, error FROM finished_tasks
            WHERE id = tip.last_task_id AND finished_at = page.last_at AND status = 'failed'
        )
        UNION ALL
        (
            SELECT id::text AS id, reason, error FROM finished_tasks
            WHERE
                finished_tasks.fingerprint = page.fingerprint AND finished_tasks.account_id = tip.account_id AND status = 'failed'
                AND finished_at >= $1::timestamptz AND ($3::text[] IS NULL OR queue = ANY ($3))
            ORDER BY finished_tasks.id DESC
            LIMIT 1
        )
        LIMIT 1
    ) AS task ON true
ORDER BY page.rank DESC, page.fingerprint DESC
