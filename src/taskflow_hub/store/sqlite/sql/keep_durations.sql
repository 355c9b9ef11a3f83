WITH item (process, account_id, queue, step_s, at, waited, ran) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?))
INSERT INTO durations (process, account_id, queue, step_s, at, waited, ran)
SELECT process, account_id, queue, step_s, at, waited, ran FROM item WHERE process IS NOT NULL
ON CONFLICT DO UPDATE SET waited = excluded.waited, ran = excluded.ran
