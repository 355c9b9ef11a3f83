SELECT /*schedule*/ FROM schedules WHERE id = $1::uuid AND account_id = coalesce($2, account_id)
