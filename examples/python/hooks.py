"""The hooks. Each edits the object that it is given; what it leaves alone stays as it is."""

import json
import re
from functools import lru_cache


@lru_cache(maxsize=64)
def parse_config(text):
    """The config_data of an API definition; its text is new only when the definition changes."""
    return json.loads(text)


def stamp(call, metadata):
    """Pre: set the header that config_data names, and show that the trace reaches the plugin."""
    config = parse_config(call.spec["config_data"])
    call.request.set_headers[config["header"]] = config["value"]
    if "traceparent" in metadata:
        call.request.set_headers["X-Seen-Traceparent"] = metadata["traceparent"]


def check_key(call, metadata):
    """CustomKeyCheck: turn the key of the Authorization header into a session, or answer 401."""
    keys = parse_config(call.spec["config_data"])["keys"]
    token = call.request.headers.get("Authorization", "").removeprefix("Bearer ")
    key = keys.get(token)
    if key is None:
        call.request.return_overrides.response_code = 401
        call.request.return_overrides.response_error = "Unknown key"
        return
    call.session.rate = key["rate"]
    call.session.per = key["per"]
    call.session.quota_max = key["quota_max"]
    call.session.quota_renewal_rate = key["quota_renewal_rate"]
    call.session.metadata["plan"] = key["plan"]
    # The name under which the gateway counts this caller's rate and quota.
    call.metadata["token"] = token


def show_plan(call, metadata):
    """PostKeyAuth: tell the upstream which plan the caller is on."""
    call.request.set_headers["X-Plan"] = call.session.metadata["plan"]
    call.request.delete_headers.append("Authorization")


def route(call, metadata):
    """Post: serve paths that have moved, and add a query parameter."""
    # A query in url would be ignored: it is changed through add_params and delete_params.
    call.request.url = call.request.url.replace("/old/", "/new/", 1)
    call.request.add_params["via"] = "python"


CARD_NUMBER = re.compile(rb"\b\d{12}(\d{4})\b")


def mask(call, metadata):
    """Response: hide all but the last four digits of card numbers, and say how many were hidden."""
    # Of the two bodies only raw_body counts on the way back.
    call.response.raw_body, found = CARD_NUMBER.subn(rb"************\1", call.response.raw_body)
    call.response.headers["X-Masked"] = str(found)


# The functions that an API definition can name.
HOOKS = {"Stamp": stamp, "CheckKey": check_key, "ShowPlan": show_plan, "Route": route, "Mask": mask}
