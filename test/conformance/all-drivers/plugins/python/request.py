import base64
import json

from tyk.decorators import *


def asked(request):
    """What a case asks of its hooks: the header X-Do, as JSON."""
    return json.loads(request.get_header("X-Do") or "{}")


def sign(request, name):
    before = request.get_header("X-Order")
    request.add_header("X-Order", name if before is None else before + " " + name)


@Hook
def showRequest(request, session, spec):
    r = request.object
    saw = {
        "method": r.method,
        "url": r.url,
        "uri": r.request_uri,
        "scheme": r.scheme,
        "headers": {name: request.get_header(name) for name in asked(request).get("look", [])},
        "params": dict(r.params),
        "base64": base64.b64encode(r.raw_body).decode(),
    }
    request.add_header("X-Saw", json.dumps(saw))
    return request, session


@Hook
def showText(request, session, spec):
    request.add_header("X-Saw", json.dumps({"text": request.object.body}))
    return request, session


@Hook
def editHeaders(request, session, spec):
    wanted = asked(request)
    for name in wanted.get("delete", []):
        request.delete_header(name)
    for name, value in wanted.get("set", {}).items():
        request.add_header(name, value)
    return request, session


@Hook
def editQuery(request, session, spec):
    wanted = asked(request)
    for name in wanted.get("deleteParams", []):
        request.delete_param(name)
    for name, value in wanted.get("setParams", {}).items():
        request.add_param(name, value)
    return request, session


@Hook
def editBody(request, session, spec):
    wanted = asked(request)
    if "base64" in wanted:
        request.object.raw_body = base64.b64decode(wanted["base64"])
    if "text" in wanted:
        request.object.raw_body = wanted["text"].encode()
    if "append" in wanted:
        request.object.raw_body += wanted["append"].encode()
    return request, session


@Hook
def move(request, session, spec):
    wanted = asked(request)
    if "path" in wanted:
        request.object.url = wanted["path"]
    if "url" in wanted:
        request.object.url = wanted["url"]
    if "method" in wanted:
        request.object.method = wanted["method"]
    return request, session


@Hook
def answer(request, session, spec):
    wanted = asked(request)
    overrides = request.object.return_overrides
    overrides.response_code = wanted.get("code", -1)
    overrides.response_body = wanted.get("body", "")
    overrides.response_error = wanted.get("error", "")
    overrides.override_error = wanted.get("overrideError", False)
    for name, value in wanted.get("headers", {}).items():
        overrides.headers[name] = value
    return request, session


@Hook
def first(request, session, spec):
    sign(request, "first")
    return request, session


@Hook
def second(request, session, metadata, spec):
    sign(request, "second")
    return request, session, metadata


@Hook
def third(request, session, spec):
    sign(request, "third")
    return request, session


@Hook
def between(request, session, spec):
    sign(request, "between")
    return request, session


@Hook
def fourth(request, session, spec):
    sign(request, "fourth")
    return request, session


@Hook
def fifth(request, session, metadata, spec):
    sign(request, "fifth")
    return request, session, metadata
