-- queued → running: the owner is written with the lease. The rows are locked by this very transaction, so they are as they were.
UPDATE tasks AS task
SET worker = item.worker, /*leased*/
FROM unnest($2::uuid[], $3::text[]) AS item (id, worker)
WHERE task.id = ANY (ARRAY[item.id])
RETURNING /*assignment*/
