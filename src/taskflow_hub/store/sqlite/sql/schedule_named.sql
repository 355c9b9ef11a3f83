SELECT /*schedule*/ FROM schedules WHERE account_id = ? AND name = ?
