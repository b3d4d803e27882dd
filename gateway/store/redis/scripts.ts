import { sliceCount } from '../rate-slices.ts';

/**
 * Counts one request against a rate, a quota, or both, in one step, by the clock of Redis: however many gateways ask, no window of the
 * rate's length holds more than its limit. A refused request takes no place in the window.
 *
 * KEYS: the rate's window, then the quota's counter; each may be missing. A small rate's window is a sorted set (scores in nanoseconds,
 * as the original keeps them); a large one's is a hash of counted slices (see rate-slices.ts).
 * ARGV: rate's limit (0: none), its milliseconds, 'log' or 'slices', a name for this request that no other has; quota's maximum (-1:
 * none), its seconds.
 * Answer: 0 admitted, 1 refused by rate, 2 by quota; rate left; ms until the rate has room; quota used; ms until the quota ends.
 */
export const admitScript = `
local function slice(key, limit, perUs, now)
  local length = math.ceil(perUs / ${sliceCount})
  local current = math.floor(now / length)
  local kept = redis.call('HMGET', key, 'length', 'first', 'total')
  local first, total = tonumber(kept[2]), tonumber(kept[3])
  if tonumber(kept[1]) ~= length or current - first > ${sliceCount} * 2 then
    redis.call('DEL', key)
    first, total = current, 0
    redis.call('HSET', key, 'length', length)
  end
  while first < current do
    local count = tonumber(redis.call('HGET', key, first))
    if count and first >= current - ${sliceCount} then break end
    if count then
      redis.call('HDEL', key, first)
      total = total - count
    end
    first = first + 1
  end
  local admitted = total < limit
  if admitted then
    total = total + 1
    redis.call('HINCRBY', key, current, 1)
  end
  redis.call('HSET', key, 'first', first, 'total', total)
  redis.call('PEXPIRE', key, math.ceil(perUs / 1000) + math.ceil(length / 1000))
  return admitted, limit - total, math.ceil(((first + ${sliceCount} + 1) * length - now) / 1000)
end

local function log(key, limit, perUs, now, name)
  local gone = redis.pcall('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', (now - perUs) * 1000))
  if type(gone) == 'table' and gone.err then redis.call('DEL', key) end
  local count = redis.call('ZCARD', key)
  local admitted = count < limit
  if admitted then
    count = count + 1
    redis.call('ZADD', key, string.format('%.0f', now * 1000), name)
    redis.call('PEXPIRE', key, math.ceil(perUs / 1000))
  end
  local oldest = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
  return admitted, limit - count, math.ceil((oldest / 1000 + perUs - now) / 1000)
end

local next = 1
local admitted, remaining, reset = true, 0, 0
local limit = tonumber(ARGV[1])
if limit > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local perUs = math.ceil(tonumber(ARGV[2]) * 1000)
  if ARGV[3] == 'slices' then admitted, remaining, reset = slice(KEYS[1], limit, perUs, now)
  else admitted, remaining, reset = log(KEYS[1], limit, perUs, now, ARGV[4]) end
  if not admitted then return {1, 0, reset, 0, 0} end
  next = 2
end
local max, seconds = tonumber(ARGV[5]), tonumber(ARGV[6])
if max < 0 then return {0, remaining, reset, 0, 0} end
local used = redis.call('INCR', KEYS[next])
local left = redis.call('PTTL', KEYS[next])
if left < 0 and seconds > 0 then
  redis.call('EXPIRE', KEYS[next], seconds)
  left = seconds * 1000
end
if left < 0 then left = 0 end
if used > max then return {2, remaining, reset, used, left} end
return {0, remaining, reset, used, left}
`;

/** Sets a value only where it still is what the caller read. KEYS: the key. ARGV: expected, new, seconds (0: for ever). */
export const replaceScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1
`;

/** Counts a value up. KEYS: the key. ARGV: seconds (0: for ever), which only a new value gets. Answers text when it is no number. */
export const incrementScript = `
local before = redis.call('GET', KEYS[1])
if before and not string.match(before, '^-?%d+$') then return 'NaN' end
local value = redis.call('INCR', KEYS[1])
if not before and ARGV[1] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return value
`;
