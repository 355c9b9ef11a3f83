-- Hours long ago of which nothing is failed any more.
DELETE FROM failures
WHERE (account_id, fingerprint, queue, hour) IN (
    SELECT account_id, fingerprint, queue, hour FROM failures INDEXED BY failures_over
    WHERE failed = gone AND hour < ? ORDER BY hour LIMIT ?
)
