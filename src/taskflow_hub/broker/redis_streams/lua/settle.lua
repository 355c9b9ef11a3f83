-- These entries are done with.
-- KEYS[1] stream    ARGV: the group, then ids
for first = 2, #ARGV, 1000 do  -- Lua unpacks no more than some thousand
  local last = math.min(first + 999, #ARGV)
  redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, first, last))
  redis.call('XDEL', KEYS[1], unpack(ARGV, first, last))
end
