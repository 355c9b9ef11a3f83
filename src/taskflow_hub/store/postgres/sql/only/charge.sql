-- Each of these buckets, whose rows are locked, is full so many seconds later, and not before so many from now.
UPDATE buckets
SET full_at = greatest(
    buckets.full_at + item.later_s * interval '1 second',
    coalesce($1::timestamptz, clock_timestamp()) + item.full_in_s * interval '1 second'
)
FROM unnest($2::text[], $3::double precision[], $4::double precision[]) AS item (name, later_s, full_in_s)
WHERE buckets.name = ANY (ARRAY[item.name])
