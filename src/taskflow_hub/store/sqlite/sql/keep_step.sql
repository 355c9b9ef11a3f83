-- Steps, sleeps and waits that are the first of their name (only/step_look.sql has said so).
INSERT INTO task_steps (task_id, kind, name, attempt, kept_at, ran_s, wakes_at, octets, result)
SELECT * FROM (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?))
WHERE column1 IS NOT NULL
