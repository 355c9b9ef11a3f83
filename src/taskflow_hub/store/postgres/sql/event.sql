-- The first event of this name that a task was sent, for each.
SELECT item.n, sent.payload, sent.sent_at
FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS item (id, name, n)
JOIN task_events AS sent ON sent.task_id = ANY (ARRAY[item.id]) AND sent.name = item.name
