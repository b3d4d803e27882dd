import { type Metadata, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';

/** A plugin server that changes nothing, and keeps the metadata of its calls. */
export async function withPluginServer(use: (target: string, calls: Metadata[]) => Promise<void>): Promise<void> {
  const calls: Metadata[] = [];
  const identity = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  const dispatch: UntypedHandleCall = (
    call: { request: Buffer; metadata: Metadata },
    done: (error: null, reply: Buffer) => void,
  ) => {
    calls.push(call.metadata);
    done(null, call.request);
  };
  server.addService(
    {
      Dispatch: {
        path: '/coprocess.Dispatcher/Dispatch',
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    { Dispatch: dispatch },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  try {
    await use(`127.0.0.1:${port}`, calls);
  } finally {
    server.forceShutdown();
  }
}
