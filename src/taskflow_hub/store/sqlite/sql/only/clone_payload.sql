WITH asked (id, new_id) AS (VALUES (?, ?))
INSERT INTO payloads (task_id, octets, payload)
SELECT asked.new_id, octets, payload FROM asked CROSS JOIN payloads ON payloads.task_id = asked.id
