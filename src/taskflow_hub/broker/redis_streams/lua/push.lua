-- Add entries to a stream, in order, and all or none of them. Answers how many; 0: the stream is not there, and shall be.
-- KEYS[1] stream    ARGV: most entries to keep, ms until the stream goes (0: never), 1 if it must be there, then the entries
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
for i = 4, #ARGV do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'data', ARGV[i])
end
if ARGV[2] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return #ARGV - 3
