-- The Lua half of docs/guest-protocol.md: reads frames, runs hooks, writes answers. It needs nothing but its engine: LuaJIT runs it as a
-- program, with channel and clock by ffi (luajit.lua); the WebAssembly engine has them as `carrier` from its host (drivers/lua/wasm-guest.ts).
local is_program = carrier == nil
local folder = is_program and string.match(arg[0], '^(.*)[/\\]') or ''

local guest = {}

-- Run another file of this folder with `guest`.
local function part(name)
  if is_program then return assert(loadfile(folder .. '/' .. name))(guest) end
  return assert(load(carrier.read_part(name), '=' .. name))(guest)
end

if not is_program then part('lua54.lua') end
guest.carrier = is_program and part('luajit.lua') or carrier
for _, name in ipairs {'json.lua', 'globals.lua', 'tyk.lua', 'api.lua', 'plugins.lua'} do part(name) end

local carrier, json, plugins, tyk = guest.carrier, guest.json, guest.plugins, guest.tyk
local byte, char, concat, find, floor, format, sub, traceback =
  string.byte, string.char, table.concat, string.find, math.floor, string.format, string.sub, debug.traceback
local collectgarbage, ipairs, pairs, pcall, rawequal, setmetatable, tostring, type, xpcall =
  collectgarbage, ipairs, pairs, pcall, rawequal, setmetatable, tostring, type, xpcall
local now_us, text_json = carrier.now_us, json.text

local hooks = {}
local todo, todo_first, todo_last = {}, 1, 0
local outbox, outbox_parts = {}, {}
local cancelled, replies = {}, {}
local last_request, flushed_us, max_message_bytes = 0, 0, math.huge
-- Frames came while a hook waited for the gateway: what is to be done belongs to several.
local mixed = false
-- A hook used up the stack of the thread that serves.
local worn = false

local function u32(n)
  return char(floor(n / 16777216) % 256, floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
end

local function u32_at(bytes, at)
  local a, b, c, d = byte(bytes, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- Wait for one frame and sort its messages: replies and cancels count at once, the rest waits for its turn.
local function read_frame()
  local lengths = carrier.read(8)
  local length, header_length = u32_at(lengths, 1), u32_at(lengths, 5)
  local header = json.decode(carrier.read(header_length))
  local rest = length > 4 + header_length and carrier.read(length - 4 - header_length) or ''
  local at, came_us = 1, now_us()
  for _, message in ipairs(header) do
    if message.bytes then
      local parts = {}
      for i, n in ipairs(message.bytes) do
        parts[i] = sub(rest, at, at + n - 1)
        at = at + n
      end
      message.parts = parts
    end
    if message.type == 'reply' then replies[message.id] = message
    elseif message.type == 'cancel' then cancelled[message.id] = true
    else
      message.until_us = came_us + (message.timeoutMs or 0) * 1000
      todo_last = todo_last + 1
      todo[todo_last] = message
    end
  end
end

local function flush()
  flushed_us = now_us()
  local n = #outbox
  if n == 0 then return end
  local header, bytes = '[' .. concat(outbox, ',') .. ']', concat(outbox_parts)
  outbox, outbox_parts = {}, {}
  carrier.write(concat {u32(4 + #header + #bytes), u32(#header), header, bytes})
end

local function send(text, parts)
  outbox[#outbox + 1] = text
  if parts then for i = 1, #parts do outbox_parts[#outbox_parts + 1] = parts[i] end end
end

function guest.log(level, message, fields)
  local ok, more = pcall(json.encode, fields)
  if not ok or type(fields) ~= 'table' then more = '{}' end
  send(format('{"type":"log","level":%s,"message":%s,"fields":%s}', text_json(level), text_json(message), more))
end

--- Ask the gateway for a service, and wait for what it says. Raises why it refused.
function guest.ask(service, args)
  last_request = last_request + 1
  local id = last_request
  send(format('{"type":"request","id":%d,"service":%s,"args":%s}', id, text_json(service), json.encode(args)))
  flush()
  while not replies[id] do read_frame() end
  mixed = true
  local reply = replies[id]
  replies[id] = nil
  if reply.error then error(reply.error, 0) end
  return reply.result
end

local function send_error(id, reason, message, stack)
  local more = stack and ',"stack":' .. text_json(stack) or ''
  send(format('{"type":"error","id":%.0f,"reason":%s,"message":%s%s}', id, text_json(reason), text_json(message), more))
end

-- What a hook raised: what it did wrong, or an error of its own with the place where it happened.
local function on_error(thrown)
  if type(thrown) == 'table' and thrown.reason then return thrown end
  local message = type(thrown) == 'string' and thrown or 'the hook raised ' .. tostring(thrown)
  return {reason = 'HOOK_THREW', message = message, stack = traceback(message, 2)}
end

local Answer = {}
Answer.__index = Answer

function Answer:add(member) self.members[#self.members + 1] = member end

--- Bytes for the frame: their position.
function Answer:part(bytes)
  self.parts[#self.parts + 1] = bytes
  self.size = self.size + #bytes
  return #self.parts - 1
end

function Answer:send(id, us)
  local lengths = {}
  for i, bytes in ipairs(self.parts) do lengths[i] = #bytes end
  if #lengths > 0 then self:add('"bytes":[' .. concat(lengths, ',') .. ']') end
  local members = concat(self.members, ',')
  if #members + self.size > max_message_bytes then
    return send_error(id, 'REPLY_INVALID', format('the answer has %d bytes, over %d', #members + self.size, max_message_bytes))
  end
  send(format('{"type":"answer","id":%.0f,"us":%.0f%s%s}', id, us, members == '' and '' or ',', members), self.parts)
end

local no_parts = {}

local function run_hook(hook, message)
  local object = tyk.begin(hook, message, message.parts or no_parts)
  local answer = setmetatable({members = {}, parts = {}, size = 0}, Answer)
  local run, request, session, metadata = plugins.fresh(hook, object), nil, nil, nil
  if hook.is_plain then
    request, session = run()
  elseif hook.with_metadata then
    request, session, metadata = run(object.request, object.session or {}, {}, object.spec)
  else
    request, session = run(object.request, object.session, object.spec)
  end
  if hook.type == 'response' then tyk.response_answer(answer)
  elseif not guest.add_answer(answer, request) then tyk.request_answer(answer, request, session, metadata) end
  return answer
end

local function run_call(message)
  local id, began_us = message.id, now_us()
  if cancelled[id] or began_us > message.until_us then
    cancelled[id] = nil
    return send_error(id, 'CANCELLED', 'nobody waits for this call any more')
  end
  local hook = hooks[message.hook]
  if not hook then return send_error(id, 'HOOK_UNKNOWN', format('there is no hook %s', tostring(message.hook))) end
  local ok, answer = xpcall(run_hook, on_error, hook, message)
  if ok then return answer:send(id, now_us() - began_us) end
  -- A hook that used up the stack left none for `on_error`: then what comes is a text of the engine's.
  if type(answer) ~= 'table' then answer = {reason = 'HOOK_THREW', message = tostring(answer)} end
  send_error(id, answer.reason, answer.message, answer.stack)
  worn = find(answer.message, 'stack overflow', 1, true) ~= nil
end

local function load_set(message)
  guest.set, guest.spec, guest.config = message.set, message.spec, json.encode(message.set.config)
  local reports = {}
  for i, hook in ipairs(plugins.load(message)) do
    if hook.make then
      hooks[hook.index] = hook
      reports[i] = format('{"ready":true,"body":"%s"}', hook.body)
    else
      reports[i] = format('{"ready":false,"reason":%s}', text_json(hook.reason))
    end
  end
  send('{"type":"loaded","hooks":[' .. concat(reports, ',') .. ']}')
end

send(format(
  '{"type":"hello","protocol":1,"language":%s,"capabilities":{"concurrency":64,"inOrder":true,"session":"json"}}',
  text_json(carrier.engine)
))
flush()

--- Whether the host wants no more; if not, the thread is worn.
local function serve()
  while not worn do
    while todo_first > todo_last do
      mixed = false
      read_frame()
    end
    local message = todo[todo_first]
    todo[todo_first] = nil
    todo_first = todo_first + 1
    -- The answers of a frame are sent before the next is begun: the host relies on it when this process dies.
    if mixed and #outbox > 0 then flush() end
    if message.type == 'call' then run_call(message)
    elseif message.type == 'load' then load_set(message)
    elseif message.type == 'hello' then max_message_bytes = (message.maxFrameBytes or math.huge) / 2
    elseif message.type == 'end' then return true end
    -- Answers share a frame, unless a hook was slow: then they have waited long enough.
    if todo_first > todo_last or now_us() - flushed_us > 1000 then flush() end
  end
  return false
end

-- A stack of a million places is given back whole, with its thread: shrunk in place it leaves the built-in engine's memory in crumbs,
-- and every later one takes longer, up to seconds.
local thread, yield, running = nil, coroutine.yield, coroutine.running
function coroutine.yield(...)
  if running() == thread then error('attempt to yield from outside a coroutine', 2) end
  return yield(...)
end
repeat
  worn, thread = false, coroutine.create(serve)
  local ok, ended = coroutine.resume(thread)
  if not ok then error(traceback(thread, ended), 0) end
  thread = nil
  collectgarbage()
until ended
flush()
