-- Read on for a server of the group, some entries at a time, until nothing is left or so many entries or bytes have come.
-- KEYS[1] stream    ARGV: the group, the server, entries, bytes, entries at a time
local found, bytes = {}, 0
while #found < tonumber(ARGV[3]) and bytes < tonumber(ARGV[4]) do
  local count = math.min(tonumber(ARGV[5]), ARGV[3] - #found)
  local answer = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', count, 'STREAMS', KEYS[1], '>')
  if not answer then break end
  for _, entry in ipairs(answer[1][2]) do
    found[#found + 1] = entry
    bytes = bytes + #entry[2][2]
  end
end
return found
