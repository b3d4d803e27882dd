"""A plugin server: five hooks, one for each point of a request's life, behind one gRPC address."""

import argparse
import os
import signal
import sys
from concurrent import futures
from pathlib import Path

import grpc
import hooks

# The contract is read from its .proto files at start; no generated code is needed.
PROTO_FOLDER = os.environ.get("PROTO_FOLDER") or Path(__file__).resolve().parents[2] / "proto" / "coprocess"
sys.path.insert(0, str(PROTO_FOLDER))
messages, services = grpc.protos_and_services("coprocess_object.proto")


class Dispatcher(services.DispatcherServicer):
    def Dispatch(self, request, context):
        """Run the hook that the gateway asks for; it edits the object in place."""
        hook = hooks.HOOKS.get(request.hook_name)
        if hook is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"there is no hook {request.hook_name!r} here")
        hook(request, dict(context.invocation_metadata()))
        return request

    def DispatchEvent(self, request, context):
        """Told of what happened in the gateway, for example a key that expired."""
        print(f"event: {request.payload}", file=sys.stderr, flush=True)
        return messages.EventReply()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("LISTEN", "127.0.0.1:5555")
    parser.add_argument("--listen", default=default, help="host:port (port 0: a free one) or unix:/path")
    address = parser.parse_args().listen

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    services.add_DispatcherServicer_to_server(Dispatcher(), server)
    port = server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=1))
    server.start()
    is_unix = address.startswith("unix:")
    print(f"listening on {address if is_unix else address.rsplit(':', 1)[0] + ':' + str(port)}", flush=True)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
