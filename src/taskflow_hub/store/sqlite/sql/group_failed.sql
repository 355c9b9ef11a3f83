-- Tasks that failed under an older version are given their fingerprints; only/count_failed.sql then counts them.
WITH item (id, fingerprint) AS (VALUES /*items*/ (?, ?))
UPDATE finished_tasks SET fingerprint = item.fingerprint FROM item WHERE finished_tasks.id = item.id
