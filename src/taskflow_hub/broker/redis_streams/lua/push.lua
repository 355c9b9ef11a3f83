-- Add entries to a stream, in order, and all or none of them. Answers how many; -1: the stream is not there, and shall be; -2: too late.
-- KEYS[1] stream    ARGV: most entries to keep, ms until the stream goes (0: never), 1 if it must be there, the last moment in ms
-- for them (0: any), then the entries
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then
  return -1
end
if ARGV[4] ~= '0' then
  local now = redis.call('TIME')
  if now[1] * 1000 + math.floor(now[2] / 1000) > tonumber(ARGV[4]) then
    return -2
  end
end
for i = 5, #ARGV do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'data', ARGV[i])
end
if ARGV[2] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return #ARGV - 4
