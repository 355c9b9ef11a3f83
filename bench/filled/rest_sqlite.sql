-- What the hub keeps beside its finished tasks: their payloads and tags, how many ended in each minute, what failed in each hour, and
-- what was sampled over time.
INSERT INTO payloads (task_id, octets, payload) SELECT id, 2, '{}' FROM finished_tasks WHERE queue <> 'seed';
INSERT INTO task_tags (account_id, tag, task_id)
SELECT account_id, tag.value, finished_tasks.id FROM finished_tasks CROSS JOIN json_each(tags) AS tag WHERE queue <> 'seed';
INSERT INTO rollups (account_id, minute, queue, type, status, count)
SELECT account_id, finished_at - finished_at % 60000000, queue, type, status, count(*)
FROM finished_tasks WHERE queue <> 'seed'
GROUP BY account_id, finished_at - finished_at % 60000000, queue, type, status;
INSERT INTO failures (account_id, fingerprint, queue, hour, type, failed, first_at, last_at, last_task_id)
SELECT
    account_id, fingerprint, queue, finished_at - finished_at % 3600000000, min(type), count(*), min(finished_at), max(finished_at), max(id)
FROM finished_tasks WHERE status = 'failed' AND queue <> 'seed'
GROUP BY account_id, fingerprint, queue, finished_at - finished_at % 3600000000;
CREATE TEMPORARY TABLE sampled AS
WITH RECURSIVE
steps (step_s, kept_s, at_s) AS (
    SELECT column1, column2, unixepoch() / column1 * column1 FROM (VALUES (60, 86400), (900, 604800), (7200, 2592000))
    UNION ALL SELECT step_s, kept_s - step_s, at_s - step_s FROM steps WHERE kept_s > step_s
)
SELECT accounts.column1 AS account_id, queues.column1 AS queue, step_s, at_s * 1000000 AS at
FROM (VALUES ('default'), ('')) AS accounts, (VALUES ('q0'), ('q1'), ('q2'), ('q3'), ('')) AS queues, steps;
INSERT OR IGNORE INTO samples (account_id, queue, step_s, at, queued, running, oldest_s) SELECT *, 100, 10, 1.5 FROM sampled;
INSERT INTO durations (account_id, queue, step_s, at, process, waited, ran)
SELECT sampled.*, processes.column1, '[[20,5],[30,9],[40,1]]', '[[50,5],[60,9],[70,1]]'
FROM sampled, (VALUES ('a'), ('b')) AS processes;
