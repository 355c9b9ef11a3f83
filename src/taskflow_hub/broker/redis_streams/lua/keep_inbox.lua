-- Make the inbox if it is not there, empty, and keep it for a while.
-- KEYS[1] stream    ARGV: ms to keep it
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'data', ''))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
