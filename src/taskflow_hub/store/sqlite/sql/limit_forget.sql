-- A limit that has no numbers, and whose numbers tasks may state, is as if it had never been.
DELETE FROM limits WHERE account_id = ? AND key = ? AND running IS NULL AND per_second IS NULL AND NOT pinned
