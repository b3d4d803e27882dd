function showConfig(request, session, spec)
  local data = spec.config_data and interpose.json.decode(spec.config_data) or {}
  tyk.req.set_header("X-Config", interpose.json.encode({ api = spec.APIID, org = spec.OrgID, data = data }))
  return request, session
end
