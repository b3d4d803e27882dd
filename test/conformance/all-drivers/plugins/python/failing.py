import time

from tyk.decorators import *


@Hook
def boom(request, session, spec):
    raise ValueError("the hook broke")


@Hook
def hang(request, session, spec):
    time.sleep(60)
    return request, session
