-- A day that was taken away and is still being cleared, unless another process is at it.
SELECT name, cleared_to::text AS cleared_to FROM leaving_days
ORDER BY name
LIMIT 1
FOR UPDATE SKIP LOCKED
