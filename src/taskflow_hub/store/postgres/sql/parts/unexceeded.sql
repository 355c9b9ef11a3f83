-- Instead of exceeded.sql, where no account has quotas: then nobody needs a right to change them.
exceeded AS (
    SELECT
        '' AS account_id, 0 AS per_minute, 0 AS per_day, 0 AS queued, 0 AS in_minute, 0 AS in_day, 0 AS waiting,
        0::double precision AS at_s
    WHERE false
),
