-- running → aborted; what is done stays done.
UPDATE bulks SET status = 'aborted', finished_at = coalesce($1::timestamptz, now())
WHERE id = $2::uuid AND account_id = coalesce($3, account_id) AND status = 'running'
