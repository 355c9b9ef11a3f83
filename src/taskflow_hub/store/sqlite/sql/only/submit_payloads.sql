INSERT INTO payloads (task_id, octets, payload)
SELECT * FROM (VALUES /*items*/ (?, ?, ?))
WHERE column1 IS NOT NULL
ON CONFLICT DO NOTHING
