DELETE FROM schedules WHERE id = $1::uuid
