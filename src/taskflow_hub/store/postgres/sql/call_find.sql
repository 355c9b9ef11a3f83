-- What these calls answered before. Their parents are locked by now (only/submit_lock.sql).
SELECT calls.task_id::text AS task_id, calls.number, calls.answer
FROM unnest($1::uuid[], $2::integer[]) AS call (task_id, number)
JOIN calls ON calls.task_id = ANY (ARRAY[call.task_id]) AND calls.number = call.number
