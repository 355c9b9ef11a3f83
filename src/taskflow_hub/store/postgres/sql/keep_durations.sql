INSERT INTO durations (process, account_id, queue, step_s, at, waited, ran)
SELECT $1, item.* FROM unnest($2::text[], $3::text[], $4::integer[], $5::timestamptz[], $6::text[], $7::text[]) AS item
ON CONFLICT (account_id, queue, step_s, at, process) DO UPDATE SET waited = excluded.waited, ran = excluded.ran
