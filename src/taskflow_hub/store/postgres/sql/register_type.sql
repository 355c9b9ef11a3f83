-- The last worker to declare a type has the say. In one order, so that two workers that register at once never wait for each other.
INSERT INTO task_types (type, queue, on_lost, document)
SELECT type, queue, on_lost, document
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS declared (type, queue, on_lost, document)
ORDER BY type COLLATE "C"
ON CONFLICT (type) DO UPDATE SET queue = excluded.queue, on_lost = excluded.on_lost, document = excluded.document
