import json

from tyk.decorators import *


@Hook
def showConfig(request, session, spec):
    data = json.loads(spec["config_data"]) if "config_data" in spec else {}
    request.add_header("X-Config", json.dumps({"api": spec["APIID"], "org": spec["OrgID"], "data": data}))
    return request, session
