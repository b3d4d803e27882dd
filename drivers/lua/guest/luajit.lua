-- What the guest needs of its process, by LuaJIT's ffi: the channel of docs/guest-protocol.md, a clock, files, base64.
local ffi = require 'ffi'

ffi.cdef [[
  typedef struct { long sec; long nsec; } guest_time;
  typedef struct { unsigned long now; unsigned long most; } guest_limit;
  ptrdiff_t read(int fd, void *buffer, size_t length);
  ptrdiff_t write(int fd, const void *buffer, size_t length);
  int clock_gettime(int clock, guest_time *time);
  int setrlimit(int resource, const guest_limit *limit);
]]

local C, copy, ffi_string = ffi.C, ffi.copy, ffi.string
local byte, gsub = string.byte, string.gsub
local input_fd, output_fd = 3, 4
local carrier = {engine = jit.version}

-- Without this, text would stay in the buffer of a process that is killed.
io.stdout:setvbuf('line')

-- The limit of address space stops what the host's look at resident memory, five times a second, is too slow for.
local address_space = 9
local limit = tonumber(arg[1])
if limit and jit.os == 'Linux' then
  C.setrlimit(address_space, ffi.new('guest_limit', limit, limit))
end

local buffer_size = 65536
local buffer = ffi.new('char[?]', buffer_size)
local first, last = 0, 0

-- At least one more byte into `target`; the process ends when the host has gone.
local function read_some(target, length)
  local n = tonumber(C.read(input_fd, target, length))
  if n == 0 or n == -1 and ffi.errno() ~= 4 then os.exit(0) end
  return n == -1 and 0 or n
end

--- Exactly `length` bytes from the host.
function carrier.read(length)
  if last - first >= length then
    first = first + length
    return ffi_string(buffer + first - length, length)
  end
  if length <= buffer_size then
    copy(buffer, buffer + first, last - first)
    first, last = 0, last - first
    while last < length do last = last + read_some(buffer + last, buffer_size - last) end
    first = length
    return ffi_string(buffer, length)
  end
  local large, have = ffi.new('char[?]', length), last - first
  copy(large, buffer + first, have)
  first, last = 0, 0
  while have < length do have = have + read_some(large + have, length - have) end
  return ffi_string(large, length)
end

function carrier.write(bytes)
  local at, length, start = 0, #bytes, ffi.cast('const char *', bytes)
  while at < length do
    local n = tonumber(C.write(output_fd, start + at, length - at))
    if n > 0 then at = at + n elseif ffi.errno() ~= 4 then os.exit(0) end
  end
end

local time = ffi.new('guest_time')
local monotonic = jit.os == 'OSX' and 6 or 1

function carrier.now_us()
  C.clock_gettime(monotonic, time)
  return tonumber(time.sec) * 1e6 + tonumber(time.nsec) / 1e3
end

function carrier.read_file(path)
  local file, why = io.open(path, 'rb')
  if not file then return nil, why end
  local text = file:read('*a')
  file:close()
  return text or nil, 'it cannot be read'
end

-- Whether the sequence of a lead byte at `at` is well-formed; how many bytes follow it.
local function sequence_at(text, at, lead)
  local low, high, more = 0x80, 0xBF, 1
  if lead >= 0xC2 and lead < 0xE0 then more = 1
  elseif lead >= 0xE0 and lead < 0xF0 then
    more = 2
    if lead == 0xE0 then low = 0xA0 elseif lead == 0xED then high = 0x9F end
  elseif lead >= 0xF0 and lead < 0xF5 then
    more = 3
    if lead == 0xF0 then low = 0x90 elseif lead == 0xF4 then high = 0x8F end
  else
    return nil
  end
  for i = at + 1, at + more do
    local c = byte(text, i)
    if not c or c < low or c > high then return nil end
    low, high = 0x80, 0xBF
  end
  return more
end

function carrier.is_utf8(text)
  local at, length = 1, #text
  while at <= length do
    local c = byte(text, at)
    if c >= 0x80 then
      local more = sequence_at(text, at, c)
      if not more then return false end
      at = at + more
    end
    at = at + 1
  end
  return true
end

local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
local letter_of = ffi.new('uint8_t[64]')
local value_of = ffi.new('int8_t[256]')
ffi.fill(value_of, 256, 255)
for i = 0, 63 do
  letter_of[i] = byte(letters, i + 1)
  value_of[byte(letters, i + 1)] = i
end
local band, bor, lshift, rshift = bit.band, bit.bor, bit.lshift, bit.rshift

function carrier.base64_encode(bytes)
  local length = #bytes
  if length == 0 then return '' end
  local from = ffi.cast('const uint8_t *', bytes)
  local size = 4 * math.floor((length + 2) / 3)
  local to, n = ffi.new('uint8_t[?]', size), 0
  for i = 0, length - 1, 3 do
    local b = i + 1 < length and from[i + 1] or 0
    local c = i + 2 < length and from[i + 2] or 0
    local three = bor(lshift(from[i], 16), lshift(b, 8), c)
    to[n] = letter_of[rshift(three, 18)]
    to[n + 1] = letter_of[band(rshift(three, 12), 63)]
    to[n + 2] = i + 1 < length and letter_of[band(rshift(three, 6), 63)] or 61
    to[n + 3] = i + 2 < length and letter_of[band(three, 63)] or 61
    n = n + 4
  end
  return ffi_string(to, size)
end

--- The bytes of a base64 text, or nil when it is none.
function carrier.base64_decode(text)
  text = gsub(text, "[\r\n]", "")
  local length = #text
  if length % 4 ~= 0 then return nil end
  if length == 0 then return '' end
  local from = ffi.cast('const uint8_t *', text)
  local padding = from[length - 2] == 61 and from[length - 1] == 61 and 2 or from[length - 1] == 61 and 1 or 0
  local to, n, held, bits = ffi.new('uint8_t[?]', length), 0, 0, 0
  for i = 0, length - padding - 1 do
    local value = value_of[from[i]]
    if value < 0 then return nil end
    held, bits = bor(lshift(band(held, 0xFFFF), 6), value), bits + 6
    if bits >= 8 then
      bits = bits - 8
      to[n] = band(rshift(held, bits), 255)
      n = n + 1
    end
  end
  return ffi_string(to, n)
end

return carrier
