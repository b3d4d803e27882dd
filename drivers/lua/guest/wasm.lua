-- What Lua 5.4 has for the carrier by itself (see luajit.lua); the rest comes from its host.
carrier.engine = _VERSION .. ' (wasmoon)'

local find, len = string.find, utf8.len

function carrier.string_end(text, at) return find(text, '["\\]', at) or #text + 1 end

function carrier.is_utf8(text) return len(text) ~= nil end
