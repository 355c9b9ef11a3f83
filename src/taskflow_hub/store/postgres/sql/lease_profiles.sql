-- What these workers serve; it never changes, so it is asked once.
SELECT id, queues, types FROM workers WHERE id = ANY ($1::text[])
