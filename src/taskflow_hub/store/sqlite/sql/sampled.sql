-- Whether this minute has its sample.
SELECT EXISTS (SELECT 1 FROM samples WHERE account_id = '' AND queue = '' AND step_s = 60 AND at = ?)
