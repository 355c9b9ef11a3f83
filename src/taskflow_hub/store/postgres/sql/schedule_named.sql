SELECT /*schedule*/ FROM schedules WHERE account_id = $1 AND name = $2
