-- This bucket is full so much later, and not before so much from now. Answers in how many µs it is; once it is, it goes away.
-- KEYS[1] bucket    ARGV: µs, µs
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) + tonumber(ARGV[1]), now + tonumber(ARGV[2]))
if full_at > now then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
return full_at - now
