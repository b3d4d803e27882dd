/**
 * Counts one request against a rate, a quota, or both, in one step, by the clock of Redis: however many gateways ask, no window of the
 * rate's length holds more than its limit. A refused request takes no place in the window.
 *
 * KEYS: the rate's sorted set (scores in nanoseconds, as the original keeps them), then the quota's counter; each may be missing.
 * ARGV: rate's limit (0: none), its milliseconds, a name for this request that no other has; quota's maximum (-1: none), its seconds.
 * Answer: 0 admitted, 1 refused by rate, 2 by quota; rate left; ms until the rate has room; quota used; ms until the quota ends.
 */
export const admitScript = `
local next = 1
local remaining, reset = 0, 0
local limit, perMs = tonumber(ARGV[1]), tonumber(ARGV[2])
if limit > 0 then
  local key = KEYS[next]
  next = next + 1
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local gone = redis.pcall('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', (now - perMs * 1000) * 1000))
  if type(gone) == 'table' and gone.err then redis.call('DEL', key) end
  local count = redis.call('ZCARD', key)
  if count < limit then
    redis.call('ZADD', key, string.format('%.0f', now * 1000), ARGV[3])
    redis.call('PEXPIRE', key, math.ceil(perMs))
  end
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  reset = math.ceil((tonumber(oldest[2]) / 1000 - now) / 1000 + perMs)
  if count >= limit then return {1, 0, reset, 0, 0} end
  remaining = limit - count - 1
end
local max, seconds = tonumber(ARGV[4]), tonumber(ARGV[5])
if max < 0 then return {0, remaining, reset, 0, 0} end
local key = KEYS[next]
local used = redis.call('INCR', key)
local left = redis.call('PTTL', key)
if left < 0 and seconds > 0 then
  redis.call('EXPIRE', key, seconds)
  left = seconds * 1000
end
local verdict = 0
if used > max then verdict = 2 end
if left < 0 then left = 0 end
return {verdict, remaining, reset, used, left}
`;

/** Sets a value only where it still is what the caller read. KEYS: the key. ARGV: expected, new, seconds (0: for ever). */
export const replaceScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1
`;
