-- Where anybody has looked there is a row for all together; what has none of its own then was not there.
SELECT
    looked.at, coalesce(sum(own.queued), 0)::bigint AS queued, coalesce(sum(own.running), 0)::bigint AS running,
    max(own.oldest_s) AS oldest_s
FROM samples AS looked LEFT JOIN samples AS own
    ON own.account_id = $1 AND own.queue = ANY ($2::text[]) AND own.step_s = $4 AND own.at = looked.at
WHERE looked.account_id = '' AND looked.queue = '' AND looked.step_s = $4 AND looked.at >= $3::timestamptz
GROUP BY looked.at
ORDER BY looked.at
