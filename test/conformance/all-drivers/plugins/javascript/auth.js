var who = new TykJS.TykMiddleware.NewMiddleware({});

who.NewProcessRequest((request, session, config) => {
  var wanted = JSON.parse((request.Headers['X-Do'] || ['{}'])[0]);
  request.SetHeaders = wanted.set || {};
  if (wanted.code !== undefined) {
    request.ReturnOverrides.ResponseCode = wanted.code;
    request.ReturnOverrides.ResponseBody = wanted.body || '';
    request.ReturnOverrides.ResponseError = wanted.error || '';
    request.ReturnOverrides.OverrideError = wanted.overrideError === true;
    request.ReturnOverrides.ResponseHeaders = wanted.headers || {};
    return who.ReturnData(request, {});
  }
  if (wanted.token === undefined) return who.ReturnData(request, {});
  var known = wanted.session || {};
  known.meta_data = wanted.metadata || {};
  known.meta_data.token = wanted.token;
  return { Request: request, Session: known, AuthValue: wanted.token };
});
