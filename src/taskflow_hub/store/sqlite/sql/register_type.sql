-- The last worker to declare a type has the say.
INSERT INTO task_types (type, queue, on_lost, document) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET queue = excluded.queue, on_lost = excluded.on_lost, document = excluded.document
