-- running → aborted; what is done stays done.
UPDATE bulks SET status = 'aborted', finished_at = ? WHERE id = ? AND account_id = coalesce(?, account_id) AND status = 'running'
