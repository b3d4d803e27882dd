import json

from tyk.decorators import *


@Hook
def who(request, session, metadata, spec):
    wanted = json.loads(request.get_header("X-Do") or "{}")
    for name, value in wanted.get("set", {}).items():
        request.add_header(name, value)
    overrides = request.object.return_overrides
    if "code" in wanted:
        overrides.response_code = wanted["code"]
        overrides.response_body = wanted.get("body", "")
        overrides.response_error = wanted.get("error", "")
        overrides.override_error = wanted.get("overrideError", False)
        for name, value in wanted.get("headers", {}).items():
            overrides.headers[name] = value
        return request, session, metadata
    for name, value in wanted.get("session", {}).items():
        if name == "access_rights":
            for api, right in value.items():
                given = session.access_rights[api]
                given.api_id, given.api_name = right["api_id"], right["api_name"]
                given.versions.extend(right["versions"])
        elif isinstance(value, list):
            getattr(session, name).extend(value)
        else:
            setattr(session, name, value)
    for name, value in wanted.get("metadata", {}).items():
        metadata[name] = value
    if "token" in wanted:
        metadata["token"] = wanted["token"]
    return request, session, metadata
