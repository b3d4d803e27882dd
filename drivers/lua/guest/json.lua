-- JSON for the guest protocol and for plugins. Strings are bytes, taken and given as they are; what is not UTF-8 is the reader's problem.
-- `null` is a value of its own, so that arrays keep their places.
local guest = ...

local byte, char, concat, find, floor, format, gsub, match, sub =
  string.byte, string.char, table.concat, string.find, math.floor, string.format, string.gsub, string.match, string.sub
local huge, next, pairs, tonumber, tostring, type = math.huge, next, pairs, tonumber, tostring, type
local json = {null = setmetatable({}, {__tostring = function() return 'null' end})}
guest.json = json
local null = json.null

-- Deeper ones would overflow the C stack of some engines.
local max_depth = 1000

local function fail(text, at, what)
  error(format('no JSON at character %d: %s', at, at > #text and 'it ends too early' or what), 0)
end

local escapes = {['"'] = '"', ['\\'] = '\\', ['/'] = '/', b = '\b', f = '\f', n = '\n', r = '\r', t = '\t'}

local function utf8_of(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64) end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
end

-- The character of `\uXXXX` at `at`, and where it ends; of two halves of a pair, one character.
local function unicode_at(text, at)
  local code = tonumber(match(text, '^%x%x%x%x', at + 2), 16)
  if not code then fail(text, at, 'a bad escape') end
  if code >= 0xD800 and code < 0xDC00 then
    local low = tonumber(match(text, '^\\u(%x%x%x%x)', at + 6), 16)
    if low and low >= 0xDC00 and low < 0xE000 then
      return utf8_of(0x10000 + (code - 0xD800) * 1024 + low - 0xDC00), at + 12
    end
  end
  if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end
  return utf8_of(code), at + 6
end

-- Where the next backslash is, as far as it has been looked for: plain searches are compiled, patterns are not.
local next_escape = 0

local function string_end(text, at) return find(text, '["\\]', at) or #text + 1 end

-- The string whose first character is at `at`, and the place after its closing quote.
local function decode_string(text, at)
  if next_escape < at then next_escape = find(text, '\\', at, true) or huge end
  local stop = find(text, '"', at, true) or huge
  if stop < next_escape then return sub(text, at, stop - 1), stop + 1 end
  stop = string_end(text, at)
  local parts, n = {}, 0
  while true do
    local c = byte(text, stop)
    if not c then fail(text, stop, '') end
    n = n + 1
    parts[n] = sub(text, at, stop - 1)
    if c == 34 then return concat(parts), stop + 1 end
    n = n + 1
    local escape = sub(text, stop + 1, stop + 1)
    if escape == 'u' then
      parts[n], at = unicode_at(text, stop)
    else
      parts[n], at = escapes[escape] or fail(text, stop, 'a bad escape'), stop + 2
    end
    stop = string_end(text, at)
  end
end

local function skip_space(text, at)
  local c = byte(text, at)
  while c == 32 or c == 10 or c == 13 or c == 9 do
    at = at + 1
    c = byte(text, at)
  end
  return at, c
end

local decode_value

local function decode_array(text, at, depth)
  local array, n, c = {}, 0, nil
  at, c = skip_space(text, at)
  if c == 93 then return array, at + 1 end
  while true do
    n = n + 1
    array[n], at = decode_value(text, at, depth)
    at, c = skip_space(text, at)
    if c == 93 then return array, at + 1 end
    if c ~= 44 then fail(text, at, 'a comma or ] is missing') end
    at = at + 1
  end
end

local function decode_object(text, at, depth)
  local object, key, c = {}, nil, nil
  at, c = skip_space(text, at)
  if c == 125 then return object, at + 1 end
  while true do
    if c ~= 34 then fail(text, at, 'a name is missing') end
    key, at = decode_string(text, at + 1)
    at, c = skip_space(text, at)
    if c ~= 58 then fail(text, at, 'a colon is missing') end
    object[key], at = decode_value(text, at + 1, depth)
    at, c = skip_space(text, at)
    if c == 125 then return object, at + 1 end
    if c ~= 44 then fail(text, at, 'a comma or } is missing') end
    at, c = skip_space(text, at + 1)
  end
end

-- Whole numbers of up to 15 digits, as most are, without a pattern: that would not be compiled.
local function decode_number(text, at, c)
  local value, stop = 0, at
  while c and c >= 48 and c <= 57 do
    value, stop = value * 10 + c - 48, stop + 1
    c = byte(text, stop)
  end
  if stop > at and stop - at < 16 and c ~= 46 and c ~= 69 and c ~= 101 then return value, stop end
  local number = match(text, '^-?%d+%.?%d*[eE]?[+-]?%d*', at)
  value = number and tonumber(number)
  if not value then fail(text, at, 'an unknown character') end
  return value, at + #number
end

local words = {[116] = {'true', true}, [102] = {'false', false}, [110] = {'null', null}}

function decode_value(text, at, depth)
  local c = byte(text, at)
  if c == 34 then return decode_string(text, at + 1) end
  at, c = skip_space(text, at)
  if c == 34 then return decode_string(text, at + 1) end
  if depth > max_depth then fail(text, at, 'it is nested too deep') end
  if c == 123 then return decode_object(text, at + 1, depth + 1) end
  if c == 91 then return decode_array(text, at + 1, depth + 1) end
  local word = words[c]
  if word then
    if sub(text, at, at + #word[1] - 1) ~= word[1] then fail(text, at, 'an unknown word') end
    return word[2], at + #word[1]
  end
  return decode_number(text, at, c)
end

--- The value that a text says. Raises what is wrong with it.
function json.decode(text)
  next_escape = 0
  local value, at = decode_value(text, 1, 0)
  at = skip_space(text, at)
  if at <= #text then fail(text, at, 'more follows') end
  return value
end

local function escape(c)
  return c == '"' and '\\"' or c == '\\' and '\\\\' or format('\\u%04x', byte(c))
end

--- A string as JSON text.
function json.text(value)
  if find(value, '[%c"\\]') then value = gsub(value, '[%c"\\]', escape) end
  return '"' .. value .. '"'
end

local function number_text(value)
  if value ~= value or value == huge or value == -huge then error('JSON has no number ' .. tostring(value), 0) end
  if floor(value) == value and value < 9007199254740992 and value > -9007199254740992 then return format('%.0f', value) end
  return format('%.14g', value)
end

-- How long a table is as an array, or nil when it has other keys: an empty one is an object.
local function array_length(value)
  local n = #value
  if n == 0 then return nil end
  local count = 0
  for key in pairs(value) do
    if type(key) ~= 'number' then return nil end
    count = count + 1
  end
  return count == n and n or nil
end

local function encode(value, out, depth)
  local kind = type(value)
  if kind == 'string' then out[#out + 1] = json.text(value)
  elseif kind == 'number' then out[#out + 1] = number_text(value)
  elseif kind == 'boolean' then out[#out + 1] = tostring(value)
  elseif value == nil or value == null then out[#out + 1] = 'null'
  elseif kind ~= 'table' then error('JSON has no ' .. kind, 0)
  elseif depth > max_depth then error('JSON must not be nested so deep', 0)
  else
    local n = array_length(value)
    if n then
      for i = 1, n do
        out[#out + 1] = i == 1 and '[' or ','
        encode(value[i], out, depth + 1)
      end
      out[#out + 1] = ']'
    else
      local open = '{'
      for key, item in next, value do
        out[#out + 1] = open .. json.text(tostring(key)) .. ':'
        encode(item, out, depth + 1)
        open = ','
      end
      out[#out + 1] = open == '{' and '{}' or '}'
    end
  end
end

--- A value as JSON text. Raises for what JSON has no form for.
function json.encode(value)
  local out = {}
  encode(value, out, 0)
  return concat(out)
end


