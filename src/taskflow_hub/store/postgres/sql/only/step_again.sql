-- What stands under a name that another has just taken.
SELECT wakes_at, decided_at, result, coalesce($1::timestamptz, now()) AS now
FROM task_steps WHERE task_id = $2::uuid AND kind = $3 AND name = $4
