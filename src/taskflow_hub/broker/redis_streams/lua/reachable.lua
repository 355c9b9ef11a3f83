-- The time in ms, and the workers seen within so many ms. Those not seen for a day are dropped.
-- KEYS[1] workers    ARGV: ms
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - 86400000)
return {ms, redis.call('ZRANGEBYSCORE', KEYS[1], ms - ARGV[1], '+inf')}
