-- The plugin contract: the objects that hooks see, the helper `tyk`, and what comes of what hooks leave behind. Everything is a plain table
-- with the names of coprocess_*.proto; bodies are base64 there, as in the JSON that such plugins were written for.
local guest = ...

local carrier, json = guest.carrier, guest.json
local concat, find, format, gmatch, gsub, sub =
  table.concat, string.find, string.format, string.gmatch, string.gsub, string.sub
local char, error, floor, ipairs, next, pairs, tonumber, tostring, type =
  string.char, error, math.floor, ipairs, next, pairs, tonumber, tostring, type
local text_json = json.text

local tyk = {}
guest.tyk = tyk

local hook_types = {pre = 1, post = 2, postKeyAuth = 3, auth = 4, response = 5}

--- The call that runs: {hook, object, message, parts, body, reply, ...}
local current

--- Raise what a hook did that cannot be honoured.
local function invalid(what, ...)
  error({reason = 'REPLY_INVALID', message = format(what, ...)}, 0)
end
tyk.invalid = invalid

-- The functions of `tyk.req`, as the original has them.
local function get_headers() return current.object.request.headers end
local function set_header(name, value)
  local request = current.object.request
  request.set_headers = request.set_headers or {}
  request.set_headers[name] = value
end
-- Only the last name given counts, as recorded.
local function clear_header(name) current.object.request.delete_headers = {name} end
local function nothing() end

function tyk.new_helper()
  return {
    req = {
      get_headers = get_headers,
      set_header = set_header,
      clear_header = clear_header,
      start_time = nothing,
      http_version = nothing,
    },
    session = {},
  }
end

local function unescape(text)
  if not find(text, '%', 1, true) and not find(text, '+', 1, true) then return text end
  -- A `%` without two digits behind it: the pair is not seen.
  if find((gsub(text, '%%%x%x', '')), '%', 1, true) then return nil end
  text = gsub(text, '+', ' ')
  return (gsub(text, '%%(%x%x)', function(digits) return char(tonumber(digits, 16)) end))
end

-- First values of the query's parameters.
local function params_of(url)
  local at = find(url, '?', 1, true)
  if not at or at == #url then return nil end
  local params
  for pair in gmatch(sub(url, at + 1), '[^&]+') do
    if not find(pair, ';', 1, true) then
      local equals = find(pair, '=', 1, true)
      local key = unescape(equals and sub(pair, 1, equals - 1) or pair)
      local value = equals and unescape(sub(pair, equals + 1)) or not equals and ''
      if key and value then
        params = params or {}
        if params[key] == nil then params[key] = value end
      end
    end
  end
  return params
end

local function add_body(target, bytes, hook)
  if bytes == nil or bytes == '' then return end
  target.raw_body = carrier.base64_encode(bytes)
  if not hook.rawBodyOnly and carrier.is_utf8(bytes) then target.body = bytes end
end

local function request_of(message, parts, hook)
  local headers, list = {}, message.headers
  for i = 1, #list, 2 do
    local name = list[i]
    if headers[name] == nil then headers[name] = list[i + 1] end
  end
  headers.Host = message.host
  local request = {
    headers = headers,
    url = message.url,
    params = params_of(message.originalUrl or message.url),
    return_overrides = {response_code = -1},
    method = message.method,
    request_uri = message.requestUri or message.url,
    scheme = message.scheme,
  }
  if message.body then add_body(request, parts[message.body + 1], hook) end
  return request
end

local function response_of(message, parts, hook)
  local headers, multivalue, by_name, list = {}, {}, {}, message.headers
  for i = 1, #list, 2 do
    local name, value = list[i], list[i + 1]
    local entry = by_name[name]
    if entry then
      entry.values[#entry.values + 1] = value
    else
      headers[name] = value
      by_name[name] = {key = name, values = {value}}
      multivalue[#multivalue + 1] = by_name[name]
    end
  end
  local response = {status_code = message.status, headers = headers, multivalue_headers = multivalue}
  if message.body then add_body(response, parts[message.body + 1], hook) end
  return response
end

--- Begin a call: the Object that its hook sees.
function tyk.begin(hook, message, parts)
  local spec = {}
  for key, value in next, guest.spec do spec[key] = value end
  local object = {
    hook_type = hook_types[hook.type],
    hook_name = hook.name,
    request = request_of(message.request, parts, hook),
    session = message.session,
    spec = spec,
  }
  if message.response then
    object.response = response_of(message.response, parts, hook)
    object.session = object.session or {}
  end
  current = {hook = hook, object = object, message = message, parts = parts, sent_body = object.request.raw_body}
  guest.current = current
  return object
end

local function text_of(value, name)
  if type(value) == 'string' then return value end
  if type(value) == 'number' then return tostring(value) end
  invalid('%s must be text, got %s', name, type(value))
end

local function table_of(value, name)
  if type(value) ~= 'table' then invalid('%s must be a table, got %s', name, type(value)) end
  return value
end

-- `["name","value",...]` of a table, or nil of none.
local function pairs_json(map, name)
  if map == nil or next(table_of(map, name)) == nil then return nil end
  local out = {}
  for key, value in pairs(map) do
    out[#out + 1] = text_json(text_of(key, name))
    out[#out + 1] = text_json(text_of(value, name))
  end
  return '[' .. concat(out, ',') .. ']'
end

local function names_json(list, name)
  if list == nil or next(table_of(list, name)) == nil then return nil end
  local out = {}
  for i, value in ipairs(list) do out[i] = text_json(text_of(value, name)) end
  return '[' .. concat(out, ',') .. ']'
end

--- The bytes of a `raw_body`, put among those of the answer: their position.
local function raw_body(text, name, answer)
  local bytes = carrier.base64_decode(text_of(text == nil and '' or text, name))
  if not bytes then invalid('%s is not base64; interpose.request.body takes bytes as they are', name) end
  return answer:part(bytes)
end

local function request_json(request, answer)
  local sent, out = current.message.request, {}
  local function add(name, value) if value then out[#out + 1] = '"' .. name .. '":' .. value end end
  if current.body then
    add('body', answer:part(current.body))
  elseif request.raw_body ~= current.sent_body or request.raw_body == nil and request ~= current.object.request then
    add('body', raw_body(request.raw_body, 'request.raw_body', answer))
  end
  add('deleteHeaders', names_json(request.delete_headers, 'request.delete_headers'))
  add('setHeaders', pairs_json(request.set_headers, 'request.set_headers'))
  add('deleteParams', names_json(request.delete_params, 'request.delete_params'))
  add('addParams', pairs_json(request.add_params, 'request.add_params'))
  if request.url ~= sent.url then add('url', text_json(text_of(request.url == nil and '' or request.url, 'request.url'))) end
  if request.method ~= sent.method then
    add('method', text_json(text_of(request.method == nil and '' or request.method, 'request.method')))
  end
  if #out > 0 then answer:add('"request":{' .. concat(out, ',') .. '}') end
end

local function overrides_json(overrides, answer)
  if type(overrides) ~= 'table' then invalid('request.return_overrides is missing') end
  local code = overrides.response_code
  if code == nil then return end
  if type(code) ~= 'number' or floor(code) ~= code then invalid('return_overrides.response_code must be a whole number') end
  if code <= 0 then return end
  answer:add(format(
    '"overrides":{"code":%.0f,"error":%s,"body":%s,"headers":%s,"overrideError":%s}',
    code,
    text_json(text_of(overrides.response_error or '', 'return_overrides.response_error')),
    text_json(text_of(overrides.response_body or '', 'return_overrides.response_body')),
    pairs_json(overrides.headers, 'return_overrides.headers') or '[]',
    tostring(overrides.override_error == true)
  ))
end

local function same_headers(headers, multivalue, list)
  local seen, names, places = {}, 0, {}
  for i = 1, #list, 2 do
    local name, value = list[i], list[i + 1]
    if seen[name] == nil then
      names = names + 1
      seen[name] = names
      places[names] = 0
      if headers[name] ~= value then return false end
    end
    local entry, at = multivalue[seen[name]], places[seen[name]] + 1
    places[seen[name]] = at
    if type(entry) ~= 'table' or entry.key ~= name or type(entry.values) ~= 'table' or entry.values[at] ~= value then
      return false
    end
  end
  for i = 1, names do if #multivalue[i].values ~= places[i] then return false end end
  for _ in pairs(headers) do names = names - 1 end
  return names == 0 and multivalue[#places + 1] == nil
end

local function multivalue_json(list)
  local out = {}
  for i, entry in ipairs(list) do
    local name = 'response.multivalue_headers'
    table_of(entry, name)
    out[i] = format(
      '{"key":%s,"values":%s}',
      text_json(text_of(entry.key, name)),
      entry.values and names_json(entry.values, name) or '[]'
    )
  end
  return '[' .. concat(out, ',') .. ']'
end

--- What a response hook left in `object.response`.
function tyk.response_answer(answer)
  local response = current.object.response
  if type(response) ~= 'table' then invalid('object.response is missing') end
  local sent, parts, out = current.message.response, current.parts, {}
  local function add(name, value) out[#out + 1] = '"' .. name .. '":' .. value end
  local status = response.status_code
  if type(status) ~= 'number' then invalid('response.status_code must be a number, got %s', type(status)) end
  if status ~= sent.status then add('status', format('%.0f', status)) end
  if current.headers then
    add('headers', names_json(current.headers, 'response.headers') or '[]')
  else
    local headers = table_of(response.headers or {}, 'response.headers')
    local multivalue = table_of(response.multivalue_headers or {}, 'response.multivalue_headers')
    if not same_headers(headers, multivalue, sent.headers) then
      add('sync', format(
        '{"headers":%s,"multivalue":%s}',
        pairs_json(headers, 'response.headers') or '[]',
        multivalue_json(multivalue)
      ))
    end
  end
  if current.body then
    add('body', answer:part(current.body))
  elseif sent.body then
    local bytes = parts[sent.body + 1]
    local before = bytes ~= '' and carrier.base64_encode(bytes) or nil
    if response.raw_body ~= before then add('body', raw_body(response.raw_body, 'response.raw_body', answer)) end
  elseif response.raw_body ~= nil then
    add('body', raw_body(response.raw_body, 'response.raw_body', answer))
  end
  if #out > 0 then answer:add('"response":{' .. concat(out, ',') .. '}') end
end

--- What a request hook returned.
function tyk.request_answer(answer, request, session, metadata)
  local hook = current.hook
  if request == nil then
    if not hook.is_plain then
      invalid('the hook returned nothing: it must return the request and the session')
    end
    request = current.object.request
  elseif type(request) ~= 'table' then
    invalid('the hook must return the request as a table, got %s', type(request))
  end
  request_json(request, answer)
  overrides_json(request.return_overrides, answer)
  if hook.type ~= 'auth' then return end
  if session ~= nil then answer:add('"session":' .. json.encode(table_of(session, 'the session'))) end
  if hook.with_metadata and metadata ~= nil and next(table_of(metadata, 'the metadata')) ~= nil then
    answer:add('"metadata":' .. json.encode(metadata))
  end
end
