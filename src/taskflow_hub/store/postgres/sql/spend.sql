-- So many seconds later each of these buckets, whose rows are locked, is full.
UPDATE buckets
SET full_at = greatest(buckets.full_at, coalesce($1::timestamptz, clock_timestamp())) + item.later_s * interval '1 second'
FROM unnest($2::text[], $3::double precision[]) AS item (name, later_s)
WHERE buckets.name = ANY (ARRAY[item.name])
