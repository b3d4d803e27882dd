local function asked(request)
  return interpose.json.decode(request.headers["X-Do"] or "{}")
end

function showResponse(request, session, spec)
  local response = object.response
  local headers = {}
  for _, name in ipairs(asked(request).look or {}) do headers[name] = response.headers[name] end
  response.headers["X-Saw"] = interpose.json.encode({
    status = response.status_code,
    headers = headers,
    base64 = response.raw_body or "",
    method = request.method,
    url = request.url,
    alias = session.alias or "",
  })
  return request, session
end

function showValues(request, session, spec)
  local values = {}
  for _, name in ipairs(asked(request).look or {}) do
    for _, header in ipairs(object.response.multivalue_headers) do
      if header.key == name then values[name] = header.values end
    end
  end
  object.response.headers["X-Saw"] = interpose.json.encode({ values = values })
  return request, session
end

function editResponse(request, session, spec)
  local wanted = asked(request)
  local response = object.response
  if wanted.status then response.status_code = wanted.status end
  for _, name in ipairs(wanted.deleteResponse or {}) do response.headers[name] = nil end
  for name, value in pairs(wanted.setResponse or {}) do response.headers[name] = value end
  if wanted.replyText then response.raw_body = interpose.base64.encode(wanted.replyText) end
  if wanted.replyBase64 then response.raw_body = wanted.replyBase64 end
  return request, session
end

function addValues(request, session, spec)
  local list = object.response.multivalue_headers
  for name, values in pairs(asked(request).addValues or {}) do
    local header
    for _, known in ipairs(list) do
      if known.key == name then header = known end
    end
    if not header then
      header = { key = name, values = {} }
      list[#list + 1] = header
    end
    for _, value in ipairs(values) do header.values[#header.values + 1] = value end
  end
  return request, session
end

function leaveResponse(request, session, spec)
  return request, session
end

function signOne(request, session, spec)
  object.response.headers["X-Order"] = (object.response.headers["X-Order"] or "") .. "one"
  return request, session
end

function signTwo(request, session, spec)
  object.response.headers["X-Order"] = (object.response.headers["X-Order"] or "") .. "two"
  return request, session
end

function breakResponse()
  error("the hook broke")
end
