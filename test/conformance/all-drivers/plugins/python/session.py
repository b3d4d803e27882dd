import json

from tyk.decorators import *


@Hook
def showSession(request, session, spec):
    saw = {"present": session.per > 0}
    if saw["present"]:
        saw.update(
            alias=session.alias,
            rate=session.rate,
            per=session.per,
            quotaMax=session.quota_max,
            tags=list(session.tags),
            org=session.org_id,
            rights=list(session.access_rights),
            metadata=dict(session.metadata),
        )
    request.add_header("X-Session", json.dumps(saw))
    return request, session


@Hook
def changeSession(request, session, metadata, spec):
    session.alias = "changed"
    metadata["added"] = "by a hook"
    return request, session, metadata
