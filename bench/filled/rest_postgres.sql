-- What the hub keeps beside its finished tasks: their tags, how many ended in each minute, what failed in each hour, and what was
-- sampled over time.
INSERT INTO task_tags (account_id, tag, task_id)
SELECT account_id, tag, id FROM finished_tasks CROSS JOIN LATERAL unnest(tags) AS tag WHERE queue <> 'seed';
INSERT INTO rollups (account_id, minute, queue, type, status, shard, count)
SELECT account_id, date_trunc('minute', finished_at), queue, type, status, 0, count(*)
FROM finished_tasks WHERE queue <> 'seed'
GROUP BY account_id, date_trunc('minute', finished_at), queue, type, status;
INSERT INTO failures (account_id, fingerprint, queue, hour, shard, type, failed, first_at, last_at, last_task_id)
SELECT
    account_id, fingerprint, queue, date_trunc('hour', finished_at), 0, min(type), count(*), min(finished_at), max(finished_at),
    (array_agg(id ORDER BY id DESC))[1]
FROM finished_tasks WHERE status = 'failed' AND queue <> 'seed'
GROUP BY account_id, fingerprint, queue, date_trunc('hour', finished_at);
CREATE TEMPORARY TABLE sampled AS
SELECT account_id, queue, step_s, to_timestamp(floor(extract(epoch FROM at) / step_s) * step_s) AS at
FROM (VALUES ('default'), ('')) AS accounts (account_id)
CROSS JOIN (VALUES ('q0'), ('q1'), ('q2'), ('q3'), ('')) AS queues (queue)
CROSS JOIN (VALUES (60, interval '1 day'), (900, interval '7 days'), (7200, interval '30 days')) AS steps (step_s, kept)
CROSS JOIN LATERAL generate_series(now() - kept, now() - step_s * interval '1 s', step_s * interval '1 s') AS at;
INSERT INTO samples (account_id, queue, step_s, at, queued, running, oldest_s) SELECT *, 100, 10, 1.5 FROM sampled
ON CONFLICT DO NOTHING;
INSERT INTO durations (account_id, queue, step_s, at, process, waited, ran)
SELECT sampled.*, process, '[[20,5],[30,9],[40,1]]', '[[50,5],[60,9],[70,1]]' FROM sampled CROSS JOIN (VALUES ('a'), ('b')) AS processes (process);
ANALYZE;
