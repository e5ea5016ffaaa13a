"""The scripts that Redis runs for `hubs.events`: each is one step that nothing can come between."""

# KEYS: epoch, last, log, floor. ARGV: Redis channel, event as JSON from after its brace, now in µs, fresh epoch,
# length of the log, its lifetime in seconds.
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
redis.call('RPUSH', KEYS[3], event)
while redis.call('LLEN', KEYS[3]) > tonumber(ARGV[5]) do
  local gone = redis.call('LPOP', KEYS[3])
  redis.call('SET', KEYS[4], string.match(gone, '^{"id":"%w+%-(%d+)"'), 'EX', ARGV[6])
end
redis.call('EXPIRE', KEYS[3], ARGV[6])
redis.call('PUBLISH', ARGV[1], event)
return epoch .. '-' .. number
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
