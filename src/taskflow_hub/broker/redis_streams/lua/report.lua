-- Add reports, but not those of an earlier sending that still lie there and nobody has read: a collector that is away for an
-- hour does not find each report 360 times. Answers where each lies now.
-- KEYS[1] stream    ARGV: most entries to keep, the group, then for each report the id it was laid under ('': never) and itself
local function less_or_same(a, b)
  local a_ms, a_n = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_n = string.match(b, '(%d+)-(%d+)')
  if #a_ms ~= #b_ms then return #a_ms < #b_ms end
  if a_ms ~= b_ms then return a_ms < b_ms end
  return tonumber(a_n) <= tonumber(b_n)
end

local read_up_to = nil
local function find_read_up_to()
  if redis.call('EXISTS', KEYS[1]) == 1 then
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
      local of = {}
      for i = 1, #group, 2 do of[group[i]] = group[i + 1] end
      if of['name'] == ARGV[2] then return of['last-delivered-id'] end
    end
  end
  return '0-0'
end

local function lies_unread(id)
  if id == '' or #redis.call('XRANGE', KEYS[1], id, id) == 0 then return false end
  read_up_to = read_up_to or find_read_up_to()
  return not less_or_same(id, read_up_to)
end

local ids = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  if not lies_unread(id) then
    id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'data', ARGV[i + 1])
  end
  ids[#ids + 1] = id
end
return ids
