"""The scripts that Redis runs for `hubs.events`: each is one step that nothing can come between."""

# KEYS: epoch, last, log, floor, size. ARGV: Redis channel, event as JSON from after its brace, now in µs, fresh epoch,
# length of the log, its lifetime in seconds, its bytes. The floor is the number of the newest event that was cut off.
PUBLISH = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[4]
  redis.call('SET', KEYS[1], epoch)
end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local n = tonumber(ARGV[3])
if n <= last then n = last + 1 end
local number = string.format('%.0f', n)
redis.call('SET', KEYS[2], number)
local event = '{"id":"' .. epoch .. '-' .. number .. '",' .. ARGV[2]
local length, size = redis.call('LLEN', KEYS[3]), 0
if length > 0 then
  size = tonumber(redis.call('GET', KEYS[5]) or '-1')
  if size < 0 then
    size = 0
    for _, one in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do size = size + #one end
  end
end
redis.call('RPUSH', KEYS[3], event)
length, size = length + 1, size + #event
local gone
while length > tonumber(ARGV[5]) or size > tonumber(ARGV[7]) do
  gone = redis.call('LPOP', KEYS[3])
  length, size = length - 1, size - #gone
end
if gone then redis.call('SET', KEYS[4], string.match(gone, '^{"id":"%w+%-(%d+)"'), 'EX', ARGV[6]) end
redis.call('SET', KEYS[5], string.format('%.0f', size), 'EX', ARGV[6])
redis.call('EXPIRE', KEYS[3], ARGV[6])
redis.call('PUBLISH', ARGV[1], event)
return epoch .. '-' .. number
"""

# KEYS: epoch, last, then the floor and the log of each channel. ARGV: epoch and number of the cursor, the lowest number
# that may be asked for, most bytes. Returns the reason why it cannot be told, or '' and a list of events per channel,
# the newest first. Each log is read from its new end only as far as the cursor.
SINCE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'epoch'} end
local after, room = tonumber(ARGV[2]), tonumber(ARGV[4])
if after > tonumber(redis.call('GET', KEYS[2]) or '0') then return {'unknown'} end
if after < tonumber(ARGV[3]) then return {'too-old'} end
for i = 3, #KEYS, 2 do
  if tonumber(redis.call('GET', KEYS[i]) or '0') > after then return {'too-old'} end
end
local found = {''}
for i = 4, #KEYS, 2 do
  local events = {}
  local event = redis.call('LINDEX', KEYS[i], -1)
  while event and tonumber(string.match(event, '^{"id":"%w+%-(%d+)"')) > after do
    room = room - #event
    if room < 0 then return {'too-much'} end
    events[#events + 1] = event
    event = redis.call('LINDEX', KEYS[i], -1 - #events)
  end
  found[#found + 1] = events
end
return found
"""

# KEYS: epoch, last. ARGV: fresh epoch, now in µs.
CURSOR = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
local last = redis.call('GET', KEYS[2])
if not last then
  last = ARGV[2]
  redis.call('SET', KEYS[2], last)
end
return epoch .. '-' .. last
"""
