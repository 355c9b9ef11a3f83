-- These calls have been read, each by one server. Answers the time in ms, on the clock that made their ids.
-- KEYS[1] stream    ARGV: ids
for i = 1, #ARGV do
  redis.call('XDEL', KEYS[1], ARGV[i])
end
local now = redis.call('TIME')
return now[1] * 1000 + math.floor(now[2] / 1000)
