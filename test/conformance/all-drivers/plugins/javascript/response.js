function hookOf(edit) {
  var hook = new TykJS.TykMiddleware.NewMiddleware({});
  hook.NewProcessResponse((response, request, session, config) => {
    edit(response, JSON.parse((request.Headers['X-Do'] || ['{}'])[0]), request, session);
    return hook.ReturnResponseData(response, {});
  });
  return hook;
}

var showResponse = hookOf((response, wanted, request, session) => {
  var headers = {};
  (wanted.look || []).forEach((name) => {
    headers[name] = (response.Headers[name] || [null])[0];
  });
  response.SetHeaders['X-Saw'] = JSON.stringify({
    status: response.StatusCode,
    headers: headers,
    base64: b64enc(response.Body),
    method: request.Method,
    url: request.URL,
    alias: session.alias || '',
  });
});

var showValues = hookOf((response, wanted) => {
  var values = {};
  (wanted.look || []).forEach((name) => {
    values[name] = response.Headers[name] || [];
  });
  response.SetHeaders['X-Saw'] = JSON.stringify({ values: values });
});

var editResponse = hookOf((response, wanted) => {
  if (wanted.status !== undefined) response.StatusCode = wanted.status;
  response.DeleteHeaders = wanted.deleteResponse || [];
  response.SetHeaders = wanted.setResponse || {};
  if (wanted.replyText !== undefined) response.Body = wanted.replyText;
  if (wanted.replyBase64 !== undefined) response.Body = b64dec(wanted.replyBase64);
});

var leaveResponse = hookOf(() => {});

var signOne = hookOf((response) => {
  response.SetHeaders['X-Order'] = (response.Headers['X-Order'] || [''])[0] + 'one';
});

var signTwo = hookOf((response) => {
  response.SetHeaders['X-Order'] = (response.Headers['X-Order'] || [''])[0] + 'two';
});

var breakResponse = hookOf(() => {
  throw new Error('the hook broke');
});
