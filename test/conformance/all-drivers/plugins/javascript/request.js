/** What a case asks of its hooks: the header X-Do, as JSON. */
function asked(request) {
  return JSON.parse((request.Headers['X-Do'] || ['{}'])[0]);
}

function hookOf(edit) {
  var hook = new TykJS.TykMiddleware.NewMiddleware({});
  hook.NewProcessRequest((request, session, config) => {
    edit(request, asked(request));
    return hook.ReturnData(request, {});
  });
  return hook;
}

function firstOf(lists) {
  var values = {};
  Object.keys(lists).forEach((name) => {
    values[name] = lists[name][0];
  });
  return values;
}

function signature(name) {
  return (request) => {
    var before = request.Headers['X-Order'];
    request.SetHeaders['X-Order'] = before ? before[0] + ' ' + name : name;
  };
}

var showRequest = hookOf((request, wanted) => {
  var headers = {};
  (wanted.look || []).forEach((name) => {
    headers[name] = (request.Headers[name] || [null])[0];
  });
  request.SetHeaders['X-Saw'] = JSON.stringify({
    method: request.Method,
    url: request.URL,
    uri: request.RequestURI,
    scheme: request.Scheme,
    headers: headers,
    params: firstOf(request.Params),
    base64: b64enc(request.Body),
  });
});

var showText = hookOf((request) => {
  request.SetHeaders['X-Saw'] = JSON.stringify({ text: request.Body });
});

var editHeaders = hookOf((request, wanted) => {
  (wanted.delete || []).forEach((name) => {
    request.DeleteHeaders.push(name);
  });
  request.SetHeaders = wanted.set || {};
});

var editQuery = hookOf((request, wanted) => {
  request.DeleteParams = wanted.deleteParams || [];
  request.AddParams = wanted.setParams || {};
});

var editBody = hookOf((request, wanted) => {
  if (wanted.base64 !== undefined) request.Body = b64dec(wanted.base64);
  if (wanted.text !== undefined) request.Body = wanted.text;
  if (wanted.append !== undefined) request.Body += wanted.append;
});

var move = hookOf((request, wanted) => {
  // The query of a URL that a script sets counts, so one that is to stay is written again.
  if (wanted.path !== undefined) request.URL = request.URL.replace(/^[^?]*/, wanted.path);
  if (wanted.url !== undefined) request.URL = wanted.url;
  if (wanted.method !== undefined) request.Method = wanted.method;
});

var answer = hookOf((request, wanted) => {
  var overrides = request.ReturnOverrides;
  overrides.ResponseCode = wanted.code || 0;
  overrides.ResponseBody = wanted.body || '';
  overrides.ResponseError = wanted.error || '';
  overrides.OverrideError = wanted.overrideError === true;
  overrides.ResponseHeaders = wanted.headers || {};
});

var first = hookOf(signature('first'));
var second = hookOf(signature('second'));
var third = hookOf(signature('third'));
var between = hookOf(signature('between'));
var fourth = hookOf(signature('fourth'));
var fifth = hookOf(signature('fifth'));
