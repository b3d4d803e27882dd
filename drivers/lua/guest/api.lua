-- `interpose`: requests, responses, sessions and the gateway's services for Lua, beside what the original has (docs/lua.md). Everything
-- works on the objects of tyk.lua, so that both ways may be mixed. Nothing here belongs to one call: plugins cannot change it.
local guest = ...

local carrier, json, tyk = guest.carrier, guest.json, guest.tyk
local find, format, gsub, lower, upper =
  string.find, string.format, string.gsub, string.lower, string.upper
local error, getmetatable, ipairs, next, pairs, pcall, rawequal, setmetatable, tostring, type =
  error, getmetatable, ipairs, next, pairs, pcall, rawequal, setmetatable, tostring, type
local invalid = tyk.invalid

-- Names in the form of the headers table: `Content-Type`. Clients choose names, so the number of those kept is bounded.
local canonical_names, known_names = {}, 0
local function canonical(name)
  local known = canonical_names[name]
  if known then return known end
  if type(name) ~= 'string' then invalid('the name of a header must be text, got %s', type(name)) end
  known = name
  if not find(name, "[^%w!#$%%&'*+%-.^_`|~]") then
    known = gsub(gsub(lower(name), '^%l', upper), '%-%l', upper)
  end
  if known_names > 4096 then canonical_names, known_names = {}, 0 end
  canonical_names[name], known_names = known, known_names + 1
  return known
end

local function text(value, what)
  if type(value) == 'string' then return value end
  if type(value) == 'number' then return tostring(value) end
  return invalid('%s must be text, got %s', what, type(value))
end

-- A table that plugins use like one of their own, and that lasts for all calls.
local function view(get, set, call)
  return setmetatable({}, {__index = get, __newindex = set, __call = call, __metatable = false})
end

local function request() return guest.current.object.request end

-- Names that were set or deleted, as the contract has them: one table of sets, one list of deletions.
local function edited_value(edits, deletions, name)
  if edits and edits[name] ~= nil then return edits[name], true end
  for _, deleted in pairs(deletions or {}) do if deleted == name then return nil, true end end
  return nil, false
end

local function set_or_delete(target, set_name, delete_name, name, value)
  local sets = target[set_name] or {}
  target[set_name] = sets
  sets[name] = value
  if value == nil then
    local deletions = target[delete_name] or {}
    target[delete_name] = deletions
    deletions[#deletions + 1] = name
  end
end

-- A view of the request's headers or parameters: `view[name]`, `view[name] = value or nil`, `for name, value in view() do`.
local function edited_view(field, set_name, delete_name, name_of)
  local function get(_, name)
    local target = request()
    name = name_of(name)
    local value, edited = edited_value(target[set_name], target[delete_name], name)
    if edited then return value end
    return target[field] and target[field][name]
  end
  return view(get, function(_, name, value)
    set_or_delete(request(), set_name, delete_name, name_of(name), value ~= nil and text(value, name) or nil)
  end, function()
    local all, target = {}, request()
    for name in pairs(target[field] or {}) do all[name] = get(nil, name) end
    for name, value in pairs(target[set_name] or {}) do all[name] = value end
    return next, all
  end)
end

local request_headers = edited_view('headers', 'set_headers', 'delete_headers', canonical)
local request_params = edited_view('params', 'add_params', 'delete_params', function(name) return text(name, 'a parameter') end)

-- The bytes of the message's body as they are now.
local function body_of(message)
  local current = guest.current
  if current.body then return current.body end
  return message.body and current.parts[message.body + 1] or ''
end

local function set_body(value) guest.current.body = text(value, 'the body') end

local read_only = {path = true, request_uri = true, scheme = true, host = true, headers = true, params = true}

local request_view = view(function(_, name)
  if name == 'headers' then return request_headers end
  if name == 'params' then return request_params end
  if name == 'host' then return request().headers.Host end
  if name == 'path' then return (gsub(request().url, '%?.*$', '')) end
  if name == 'body' then return body_of(guest.current.message.request) end
  return request()[name]
end, function(_, name, value)
  if name == 'body' then return set_body(value) end
  if name ~= 'method' and name ~= 'url' then
    error(format('interpose.request.%s cannot be set%s', tostring(name), read_only[name] and '' or ': there is no such field'), 2)
  end
  request()[name] = text(value, name)
end)

-- All headers of the response, `{name, value, name, value, ...}`: a copy from the first change on.
local function response_list(to_change)
  local current = guest.current
  if current.headers then return current.headers end
  local sent = current.message.response.headers
  if not to_change then return sent end
  local list = {}
  for i = 1, #sent do list[i] = sent[i] end
  current.headers = list
  return list
end

local function response_values(name)
  local list, values = response_list(false), {}
  for i = 1, #list, 2 do if list[i] == name then values[#values + 1] = list[i + 1] end end
  return values
end

local function set_response_header(_, name, value)
  name = canonical(name)
  local old, list = response_list(true), {}
  for i = 1, #old, 2 do
    if old[i] ~= name then list[#list + 1], list[#list + 2] = old[i], old[i + 1] end
  end
  if value ~= nil and type(value) ~= 'table' then value = {value} end
  for _, one in ipairs(value or {}) do list[#list + 1], list[#list + 2] = name, text(one, name) end
  guest.current.headers = list
end

local response_headers = view(function(_, name) return response_values(canonical(name))[1] end, set_response_header, function(_, name)
  if name then return response_values(canonical(name)) end
  local list, at = response_list(false), -1
  return function()
    at = at + 2
    return list[at], list[at + 1]
  end
end)

local response_view = view(function(_, name)
  local current = guest.current
  if name == 'headers' then return response_headers end
  if name == 'status' then return current.object.response.status_code end
  if name == 'body' then return body_of(current.message.response) end
end, function(_, name, value)
  if name == 'body' then return set_body(value) end
  if name ~= 'status' then error(format('interpose.response.%s cannot be set', tostring(name)), 2) end
  guest.current.object.response.status_code = value
end)

local answer_kind = {}

local function is_answer(value) return type(value) == 'table' and rawequal(getmetatable(value), answer_kind) end

local function reply(status, body, headers, template)
  local list = {}
  for name, value in pairs(headers or {}) do
    for _, one in ipairs(type(value) == 'table' and value or {value}) do
      list[#list + 1], list[#list + 2] = text(name, 'a header'), text(one, name)
    end
  end
  return setmetatable({status = status, body = text(body or '', 'the body'), headers = list, template = template}, answer_kind)
end

--- Put what `reply`, `reject` or `accept` returned into the answer; false when it was something else.
function guest.add_answer(answer, value)
  if not is_answer(value) then return false end
  if value.session then
    tyk.request_answer(answer, request(), value.session)
    return true
  end
  if type(value.status) ~= 'number' then invalid('interpose.reply takes a status, got %s', type(value.status)) end
  tyk.request_answer(answer, request(), nil)
  answer:add(format(
    '"reply":{"status":%s,"headers":%s,"body":%d,"template":%s}',
    json.encode(value.status),
    #value.headers == 0 and '[]' or json.encode(value.headers),
    answer:part(value.body),
    tostring(value.template)
  ))
  return true
end

local function nil_of(value) if rawequal(value, json.null) then return nil end return value end

local function ask(service, args) return nil_of(guest.ask(service, args)) end

local services = {
  store = view(function(_, name)
    if name == 'get' then return function(key) return ask('storage.get', {key = key}) end end
    if name == 'set' then
      return function(key, value, ttl_seconds)
        ask('storage.set', {key = key, value = text(value, 'the value'), ttlSeconds = ttl_seconds})
      end
    end
    if name == 'delete' then return function(key) ask('storage.delete', {key = key}) end end
  end),
  keys = view(function(_, name)
    if name == 'get' then
      return function(key) return ask('keys.get', {key = key, orgId = guest.set.orgId}) end
    end
    if name == 'set' then
      return function(key, session) ask('keys.set', {key = key, session = session, suppressReset = true}) end
    end
  end),
}

local codec = {
  json = view(function(_, name) return json[name] end),
  base64 = view(function(_, name)
    if name == 'encode' then return carrier.base64_encode end
    if name == 'decode' then return carrier.base64_decode end
  end),
}

local functions = {
  reply = function(status, body, headers) return reply(status, body, headers, false) end,
  reject = function(status, message, headers) return reply(status, message, headers, true) end,
  accept = function(token, session)
    session = session or {}
    session.metadata = session.metadata or {}
    session.metadata.token = text(token, 'the token')
    return setmetatable({session = session}, answer_kind)
  end,
  log = function(level, message, fields) guest.log(tostring(level), tostring(message), fields) end,
  event = function(name, payload) ask('events.trigger', {name = name, payload = payload}) end,
}

local fixed = {request = request_view, response = response_view}
for _, group in pairs {services, codec, functions} do for name, value in pairs(group) do fixed[name] = value end end

guest.globals.base.interpose = view(function(_, name)
  local value = fixed[name]
  if value then return value end
  local current = guest.current
  if name == 'config' then
    if not current.config then current.config = json.decode(guest.config) end
    return current.config
  end
  if name == 'api_id' then return guest.set.apiId end
  if name == 'org_id' then return guest.set.orgId end
  if name == 'session' then return current.object.session end
  if name == 'hook' then return current.hook.name end
  if name == 'traceparent' then return current.message.traceparent end
  if name == 'tracestate' then return current.message.tracestate end
end, function(_, name) error(format('interpose.%s cannot be set', tostring(name)), 2) end)

-- For plugins that bring no JSON of their own where lua-cjson is not installed.
guest.globals.stand_ins.cjson = function() return {encode = json.encode, decode = json.decode, null = json.null} end
guest.globals.stand_ins['cjson.safe'] = function()
  local function safe(work)
    return function(value)
      local ok, result = pcall(work, value)
      if ok then return result end
      return nil, result
    end
  end
  return {encode = safe(json.encode), decode = safe(json.decode), null = json.null}
end
