-- Whoever changes a schedule, or fires it, has its row. The time is that of the lock.
SELECT /*schedule*/, coalesce($1::timestamptz, clock_timestamp()) AS now
FROM schedules WHERE id = $2::uuid AND account_id = coalesce($3, account_id)
FOR UPDATE
