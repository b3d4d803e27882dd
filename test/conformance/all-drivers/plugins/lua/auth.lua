function who(request, session, spec)
  local wanted = interpose.json.decode(request.headers["X-Do"] or "{}")
  request.set_headers = wanted.set
  if wanted.code then
    request.return_overrides = {
      response_code = wanted.code,
      response_body = wanted.body,
      response_error = wanted.error,
      override_error = wanted.overrideError,
      headers = wanted.headers,
    }
    return request, session
  end
  if not (wanted.token or wanted.session or wanted.metadata) then return request, session end
  local known = wanted.session or {}
  known.metadata = wanted.metadata or {}
  known.metadata.token = wanted.token
  return request, known
end
