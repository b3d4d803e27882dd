import * as grpc from '@grpc/grpc-js';
import { Object as WireObject } from '../../../proto/gen/coprocess_object.ts';
import * as auth from './plugins/grpc/auth.ts';
import * as config from './plugins/grpc/config.ts';
import * as failing from './plugins/grpc/failing.ts';
import type { ServerHook } from './plugins/grpc/plugin.ts';
import * as request from './plugins/grpc/request.ts';
import * as response from './plugins/grpc/response.ts';
import * as session from './plugins/grpc/session.ts';

/** Hooks of the plugin server, by name. */
export const serverHooks: ReadonlyMap<string, ServerHook> = new Map(
  Object.entries({ ...auth, ...config, ...failing, ...request, ...response, ...session }),
);

export interface PluginServer {
  readonly target: string;
  close(): void;
}

const path = '/coprocess.Dispatcher/Dispatch';

/** A plugin server of the kind that users write: it finds the hook by its name and gives back the Object as the hook left it. */
export async function startPluginServer(): Promise<PluginServer> {
  const server = new grpc.Server();
  const dispatch: grpc.handleUnaryCall<WireObject, WireObject> = (call, reply) => {
    const hook = serverHooks.get(call.request.hookName);
    if (hook === undefined) return reply({ code: grpc.status.UNIMPLEMENTED, details: 'no such hook' });
    Promise.resolve()
      .then(() => hook(call.request))
      .then(
        () => reply(null, call.request),
        (error: Error) => reply({ code: grpc.status.INTERNAL, details: error.message }),
      );
  };
  const encode = (object: WireObject): Buffer => Buffer.from(WireObject.encode(object).finish());
  const decode = (bytes: Buffer): WireObject => WireObject.decode(bytes);
  server.addService(
    {
      dispatch: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: encode,
        requestDeserialize: decode,
        responseSerialize: encode,
        responseDeserialize: decode,
      },
    },
    { dispatch },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { target: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}
