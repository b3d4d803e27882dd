-- What a case asks of its hooks: the header X-Do, as JSON.
local function asked(request)
  return interpose.json.decode(request.headers["X-Do"] or "{}")
end

local function sign(request, name)
  local before = request.headers["X-Order"]
  tyk.req.set_header("X-Order", before and before .. " " .. name or name)
end

function showRequest(request, session, spec)
  local headers = {}
  for _, name in ipairs(asked(request).look or {}) do headers[name] = request.headers[name] end
  tyk.req.set_header("X-Saw", interpose.json.encode({
    method = request.method,
    url = request.url,
    uri = request.request_uri,
    scheme = request.scheme,
    headers = headers,
    params = request.params or {},
    base64 = request.raw_body or "",
  }))
  return request, session
end

function showText(request, session, spec)
  tyk.req.set_header("X-Saw", interpose.json.encode({ text = request.body or "" }))
  return request, session
end

function editHeaders(request, session, spec)
  local wanted = asked(request)
  request.delete_headers = wanted.delete
  request.set_headers = wanted.set
  return request, session
end

function editQuery(request, session, spec)
  local wanted = asked(request)
  request.delete_params = wanted.deleteParams
  request.add_params = wanted.setParams
  return request, session
end

function editBody(request, session, spec)
  local wanted = asked(request)
  if wanted.base64 then request.raw_body = wanted.base64 end
  if wanted.text then request.raw_body = interpose.base64.encode(wanted.text) end
  if wanted.append then
    request.raw_body = interpose.base64.encode(interpose.base64.decode(request.raw_body or "") .. wanted.append)
  end
  return request, session
end

function move(request, session, spec)
  local wanted = asked(request)
  if wanted.path then request.url = wanted.path end
  if wanted.url then request.url = wanted.url end
  if wanted.method then request.method = wanted.method end
  return request, session
end

function answer(request, session, spec)
  local wanted = asked(request)
  request.return_overrides = {
    response_code = wanted.code or -1,
    response_body = wanted.body,
    response_error = wanted.error,
    override_error = wanted.overrideError,
    headers = wanted.headers,
  }
  return request, session
end

function first(request, session, spec)
  sign(request, "first")
  return request, session
end

function second(request, session, spec)
  sign(request, "second")
  return request, session
end

function third(request, session, spec)
  sign(request, "third")
  return request, session
end

function between(request, session, spec)
  sign(request, "between")
  return request, session
end

function fourth(request, session, spec)
  sign(request, "fourth")
  return request, session
end

function fifth(request, session, spec)
  sign(request, "fifth")
  return request, session
end
