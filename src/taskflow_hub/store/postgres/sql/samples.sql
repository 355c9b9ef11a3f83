-- Where anybody has looked there is a row for all together; what has none of its own then was not there.
SELECT
    looked.at, coalesce(sum(own.queued), 0)::bigint AS queued, coalesce(sum(own.running), 0)::bigint AS running,
    max(own.oldest_s) AS oldest_s
FROM
    samples AS looked
    LEFT JOIN LATERAL (
        SELECT one.*
        FROM (SELECT DISTINCT queue FROM unnest($2::text[]) AS asked (queue)) AS asked CROSS JOIN LATERAL (
            SELECT queued, running, oldest_s FROM samples
            WHERE
                samples.account_id = $1 AND samples.queue = asked.queue AND samples.step_s = $4
                AND samples.at BETWEEN looked.at AND looked.at
            ORDER BY samples.at
            OFFSET 0
        ) AS one
    ) AS own ON true
WHERE looked.account_id = '' AND looked.queue = '' AND looked.step_s = $4 AND looked.at >= $3::timestamptz
GROUP BY looked.at
ORDER BY looked.at
