-- Remove the inbox; answers what lies in it.
-- KEYS[1] stream
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
return entries
