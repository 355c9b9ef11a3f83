-- These entries are done with.
-- KEYS[1] stream    ARGV: the group, then ids
for i = 2, #ARGV do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  redis.call('XDEL', KEYS[1], ARGV[i])
end
