-- A limit as it is now. The time is that of this very moment, for a transaction may have waited since it began.
limits.account_id, limits.key, limits.running, limits.per_second, limits.pinned, limits.tokens,
coalesce($1::timestamptz, clock_timestamp()) AS at,
extract(epoch FROM coalesce($1::timestamptz, clock_timestamp()) - limits.filled_at)::double precision AS since_s
