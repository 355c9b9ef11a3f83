-- Whoever writes the same step again, or a later sample of it, only raises it.
WITH item (account_id, queue, step_s, at, queued, running, oldest_s) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?))
INSERT INTO samples (account_id, queue, step_s, at, queued, running, oldest_s)
SELECT account_id, queue, step_s, at, queued, running, oldest_s FROM item WHERE account_id IS NOT NULL
ON CONFLICT DO UPDATE SET
    queued = max(queued, excluded.queued), running = max(running, excluded.running),
    oldest_s = coalesce(max(oldest_s, excluded.oldest_s), oldest_s, excluded.oldest_s)
