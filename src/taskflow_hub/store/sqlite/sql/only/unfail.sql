-- Before finished tasks are brought back, or removed: those of them that had failed are no failures any more.
INSERT INTO failures (account_id, fingerprint, queue, hour, type, gone)
SELECT account_id, fingerprint, queue, finished_at - finished_at % 3600000000, type, count(*)
FROM finished_tasks
WHERE id IN (SELECT value FROM json_each(?)) AND +status = 'failed' AND fingerprint IS NOT NULL
GROUP BY account_id, fingerprint, queue, finished_at - finished_at % 3600000000
ON CONFLICT DO UPDATE SET gone = gone + excluded.gone
