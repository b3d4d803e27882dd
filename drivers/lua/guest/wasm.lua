-- What Lua 5.4 has for the carrier by itself (see luajit.lua); the rest comes from its host.
carrier.engine = _VERSION .. ' (wasmoon)'

local len = utf8.len

function carrier.is_utf8(text) return len(text) ~= nil end
