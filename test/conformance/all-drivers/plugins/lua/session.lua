local function keysOf(map)
  local keys = {}
  for key in pairs(map or {}) do keys[#keys + 1] = key end
  return keys
end

function showSession(request, session, spec)
  local saw = { present = session ~= nil }
  if session then
    saw.alias = session.alias or ""
    saw.rate = session.rate
    saw.per = session.per
    saw.quotaMax = session.quota_max or 0
    saw.tags = session.tags
    saw.org = session.org_id
    saw.rights = keysOf(session.access_rights)
    saw.metadata = session.metadata
  end
  tyk.req.set_header("X-Session", interpose.json.encode(saw))
  return request, session
end

function changeSession(request, session, spec)
  session.alias = "changed"
  session.metadata.added = "by a hook"
  return request, session
end
