-- Of every process.
SELECT at, waited, ran FROM durations
WHERE account_id = $1 AND queue = ANY ($2::text[]) AND step_s = $4 AND at >= $3::timestamptz
ORDER BY at
