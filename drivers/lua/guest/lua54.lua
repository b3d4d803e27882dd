-- What plugins written for LuaJIT (Lua 5.1) use and Lua 5.4 no longer has, for the engine that is built in.
if setfenv then return end

unpack = table.unpack
loadstring = load
table.getn = function(list) return #list end
function table.maxn(list)
  local most = 0
  for key in pairs(list) do if type(key) == 'number' and key > most then most = key end end
  return most
end
function math.pow(x, y) return x ^ y end
function math.log10(x) return math.log(x, 10) end
function math.ldexp(x, e) return x * 2.0 ^ e end

local function int32(n)
  n = math.floor(n) & 0xFFFFFFFF
  return n >= 0x80000000 and n - 0x100000000 or n
end
local function fold(operation)
  return function(first, ...)
    for _, other in ipairs {...} do first = operation(math.floor(first), math.floor(other)) end
    return int32(first)
  end
end
bit = {
  tobit = int32,
  bnot = function(n) return int32(~math.floor(n)) end,
  band = fold(function(a, b) return a & b end),
  bor = fold(function(a, b) return a | b end),
  bxor = fold(function(a, b) return a ~ b end),
  lshift = function(n, by) return int32((math.floor(n) & 0xFFFFFFFF) << (by & 31)) end,
  rshift = function(n, by) return int32((math.floor(n) & 0xFFFFFFFF) >> (by & 31)) end,
  arshift = function(n, by) return int32(int32(n) // (1 << (by & 31))) end,
  rol = function(n, by)
    n, by = math.floor(n) & 0xFFFFFFFF, by & 31
    return int32(n << by | n >> (32 - by))
  end,
  ror = function(n, by)
    n, by = math.floor(n) & 0xFFFFFFFF, by & 31
    return int32(n >> by | n << (32 - by))
  end,
  bswap = function(n) return int32((string.unpack('>I4', string.pack('<I4', math.floor(n) & 0xFFFFFFFF)))) end,
  tohex = function(n, digits)
    digits = digits or 8
    local text = string.sub(string.format('%08x', math.floor(n) & 0xFFFFFFFF), -math.abs(digits))
    return digits < 0 and string.upper(text) or text
  end,
}
