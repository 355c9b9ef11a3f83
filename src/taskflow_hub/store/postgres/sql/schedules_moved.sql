-- Their ticks up to now are decided. The rows are locked.
UPDATE schedules SET
    next_at = item.next_at, waiting_at = item.waiting_at,
    last_at = greatest(schedules.last_at, item.last_at)
FROM
    unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[]) AS item (id, next_at, waiting_at, last_at)
WHERE schedules.id = ANY (ARRAY[item.id])
