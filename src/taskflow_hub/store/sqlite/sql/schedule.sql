SELECT /*schedule*/ FROM schedules WHERE id = ? AND account_id = coalesce(?, account_id)
