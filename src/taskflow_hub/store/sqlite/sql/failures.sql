-- A page of groups of which some tasks are still failed, in order of `rank`: how many they are, or when the last failed. For each its
-- trend as [[step, how many]], and the last task that failed, if it still is, else the newest that is:
-- [fingerprint, type, count, first at, last at, rank, trend, id, reason, error].
WITH asked (since, step_us, by_count, rank, fingerprint) AS (VALUES (?, ?, ?, ?, ?)),
chosen AS MATERIALIZED (
    SELECT failures.* FROM asked CROSS JOIN failures
    WHERE /* whose */ hour >= asked.since AND type = coalesce(?, type)
        AND (? IS NULL OR queue IN (SELECT value FROM json_each(?)))
),
kind AS (
    SELECT
        fingerprint, type, sum(failed) - sum(gone) AS count, min(first_at) AS first_at, max(last_at) AS last_at
    FROM chosen GROUP BY fingerprint HAVING sum(failed) > sum(gone)
),
page AS MATERIALIZED (
    SELECT ranked.*
    FROM (SELECT kind.*, CASE WHEN asked.by_count THEN count ELSE last_at END AS rank FROM kind, asked) AS ranked, asked
    WHERE asked.rank IS NULL OR (ranked.rank, ranked.fingerprint) < (asked.rank, asked.fingerprint)
    ORDER BY ranked.rank DESC, ranked.fingerprint DESC LIMIT ?
),
tip AS MATERIALIZED (
    SELECT fingerprint, account_id, last_task_id, max(last_at) FROM chosen
    WHERE last_at IS NOT NULL AND fingerprint IN (SELECT fingerprint FROM page)
    GROUP BY fingerprint
),
trend AS MATERIALIZED (
    SELECT fingerprint, json_group_array(json_array(step, failed)) AS steps FROM (
        SELECT chosen.fingerprint, (hour - asked.since) / asked.step_us AS step, sum(failed) AS failed
        FROM chosen CROSS JOIN asked
        WHERE chosen.fingerprint IN (SELECT fingerprint FROM page)
        GROUP BY 1, 2
    ) GROUP BY fingerprint
),
shown AS MATERIALIZED (
    SELECT
        page.*, trend.steps,
        coalesce(
            (SELECT id FROM finished_tasks WHERE id = tip.last_task_id AND +status = 'failed' AND finished_at = page.last_at),
            (
                SELECT id FROM finished_tasks INDEXED BY finished_by_fingerprint
                WHERE
                    status = 'failed' AND fingerprint = page.fingerprint AND account_id = tip.account_id
                    AND finished_at >= asked.since AND (? IS NULL OR queue IN (SELECT value FROM json_each(?)))
                ORDER BY id DESC LIMIT 1
            )
        ) AS task_id
    FROM page CROSS JOIN tip USING (fingerprint) CROSS JOIN trend USING (fingerprint) CROSS JOIN asked
)
SELECT json_group_array(json_array(
    shown.fingerprint, shown.type, shown.count, shown.first_at, shown.last_at, shown.rank, json(shown.steps), shown.task_id,
    task.reason, json(task.error)
))
FROM shown LEFT JOIN finished_tasks AS task ON task.id = shown.task_id
