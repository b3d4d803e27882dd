import base64
import json

from tyk.decorators import *


def asked(request):
    return json.loads(request.get_header("X-Do") or "{}")


@Hook
def showResponse(request, response, session, metadata, spec):
    saw = {
        "status": response.status_code,
        "headers": {name: response.headers.get(name) for name in asked(request).get("look", [])},
        "base64": base64.b64encode(response.raw_body).decode(),
        "method": request.object.method,
        "url": request.object.url,
        "alias": session.alias,
    }
    response.headers["X-Saw"] = json.dumps(saw)
    return response


@Hook
def showValues(request, response, session, metadata, spec):
    values = {name: [] for name in asked(request).get("look", [])}
    for header in response.multivalue_headers:
        if header.key in values:
            values[header.key] = list(header.values)
    response.headers["X-Saw"] = json.dumps({"values": values})
    return response


@Hook
def editResponse(request, response, session, metadata, spec):
    wanted = asked(request)
    if "status" in wanted:
        response.status_code = wanted["status"]
    for name in wanted.get("deleteResponse", []):
        response.headers.pop(name, None)
    for name, value in wanted.get("setResponse", {}).items():
        response.headers[name] = value
    if "replyText" in wanted:
        response.raw_body = wanted["replyText"].encode()
    if "replyBase64" in wanted:
        response.raw_body = base64.b64decode(wanted["replyBase64"])
    return response


@Hook
def addValues(request, response, session, metadata, spec):
    for name, values in asked(request).get("addValues", {}).items():
        known = [header for header in response.multivalue_headers if header.key == name]
        header = known[0] if known else response.multivalue_headers.add()
        header.key = name
        header.values.extend(values)
    return response


@Hook
def leaveResponse(request, response, session, metadata, spec):
    return response


@Hook
def signOne(request, response, session, metadata, spec):
    response.headers["X-Order"] = response.headers.get("X-Order", "") + "one"
    return response


@Hook
def signTwo(request, response, session, metadata, spec):
    response.headers["X-Order"] = response.headers.get("X-Order", "") + "two"
    return response


@Hook
def breakResponse(request, response, session, metadata, spec):
    raise ValueError("the hook broke")
