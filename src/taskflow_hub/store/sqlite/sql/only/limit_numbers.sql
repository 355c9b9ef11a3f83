-- [running, per_second, pinned] of a limit, as set_limit.sql will find them.
SELECT json_array(max(running), max(per_second), coalesce(max(pinned), 0)) FROM limits WHERE account_id = ? AND key = ?
