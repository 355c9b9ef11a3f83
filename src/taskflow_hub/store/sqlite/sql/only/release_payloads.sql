-- What a workflow's tasks are given once their references are looked up.
WITH item (id, payload, octets) AS (VALUES /*items*/ (?, ?, ?))
UPDATE payloads SET payload = item.payload, octets = item.octets FROM item WHERE payloads.task_id = item.id
