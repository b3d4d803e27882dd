import { setTimeout as pause } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { Event, Object as WireObject } from '../../../proto/gen/coprocess_object.ts';
import { withTimes } from '../suite.ts';
import { text } from './upstream.ts';

/** A plugin server whose hooks do what the case's script says, and which remembers every call. */
export interface PluginServer {
  readonly port: number;
  /** Operations by hook name. */
  readonly scripts: Map<string, readonly (readonly unknown[])[]>;
  take(): Record<string, unknown>[];
  close(): void;
}

type Unary = grpc.handleUnaryCall<Buffer, Buffer>;

export async function startPluginServer(): Promise<PluginServer> {
  let seen: Record<string, unknown>[] = [];
  const scripts = new Map<string, readonly (readonly unknown[])[]>();

  const dispatch: Unary = (call, reply) => {
    const object = WireObject.decode(call.request);
    const metadata = Object.keys(call.metadata.getMap());
    seen.push({ hook: object.hookName, object: readable(object), metadata });
    answer(object, scripts).then(
      (answered) => {
        if (Buffer.isBuffer(answered)) reply(null, answered);
        else reply(answered);
      },
      (error: Error) => reply({ code: grpc.status.INTERNAL, details: error.message }),
    );
  };
  const dispatchEvent: Unary = (call, reply) => {
    seen.push({ event: Event.decode(call.request).payload });
    reply(null, Buffer.alloc(0));
  };

  const server = new grpc.Server({ 'grpc.max_send_message_length': -1 });
  const same = (bytes: Buffer): Buffer => bytes;
  const method = (name: string): grpc.MethodDefinition<Buffer, Buffer> => ({
    path: `/coprocess.Dispatcher/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  });
  server.addService(
    { dispatch: method('Dispatch'), dispatchEvent: method('DispatchEvent') },
    { dispatch, dispatchEvent },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    port,
    scripts,
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    close: () => server.forceShutdown(),
  };
}

/** Objects of one message of the schema, as the operations walk through them. */
type Fields = Record<string, unknown>;

/** What the script of the object's hook makes of it: the bytes of the reply, or an error. */
async function answer(
  object: WireObject,
  scripts: ReadonlyMap<string, readonly (readonly unknown[])[]>,
): Promise<Buffer | grpc.ServiceError> {
  for (const [kind, ...args] of withTimes(scripts.get(object.hookName) ?? [])) {
    if (kind === 'status') {
      const code = grpc.status[args[0] as keyof typeof grpc.status] as grpc.status;
      return { code, details: String(args[1] ?? '') } as grpc.ServiceError;
    }
    if (kind === 'delay') await pause(Number(args[0]) * 1000);
    else if (kind === 'empty') return Buffer.alloc(0);
    else if (kind === 'garbage') return Buffer.from([0xff, 0xff, 0xff, 0xff]);
    else if (kind === 'wire') return Buffer.from(String(args[0]), 'base64');
    else apply(object as unknown as Fields, String(kind), args);
  }
  return Buffer.from(WireObject.encode(object).finish());
}

/** set PATH VALUE | put MAP KEY VALUE | add LIST VALUE | del MAP KEY | clear PATH | fill PATH TEXT COUNT | multi LIST KEY VALUES | right MAP KEY RIGHT | copyparams */
function apply(object: Fields, kind: string, [path, ...args]: readonly unknown[]): void {
  if (kind === 'copyparams') {
    const request = object.request as { params: Record<string, string>; setHeaders: Record<string, string> };
    for (const [name, value] of Object.entries(request.params)) request.setHeaders[`X-Seen-${name}`] = value;
    return;
  }
  const names = String(path).split('.').map(camel);
  const last = names.pop() as string;
  const owner = names.reduce(inner, object);
  const target = owner[last] as Record<string, unknown> & unknown[];
  if (kind === 'set') owner[last] = fieldValue(last, args[0]);
  else if (kind === 'fill') owner[last] = Buffer.from(String(args[0]).repeat(Number(args[1])));
  else if (kind === 'put') target[String(args[0])] = args[1];
  else if (kind === 'add') target.push(args[0]);
  else if (kind === 'del') delete target[String(args[0])];
  else if (kind === 'multi') target.push({ key: args[0], values: args[1] });
  else if (kind === 'right') target[String(args[0])] = accessRight(args[1] as Fields);
  else if (kind === 'clear') owner[last] = cleared(owner[last]);
  else throw new Error(`unknown operation ${kind}`);
}

/** Numbers of the schema that are 64 bits wide, which the generated code keeps as bigint. */
const wide = new Set(
  'lastCheck expires quotaMax quotaRenews quotaRemaining quotaRenewalRate dataExpires idExtractorDeadline sessionLifetime maxQueryDepth postExpiryGracePeriod'.split(
    ' ',
  ),
);

function fieldValue(name: string, value: unknown): unknown {
  if (value !== null && typeof value === 'object' && 'base64' in value)
    return Buffer.from(String(value.base64), 'base64');
  if (name === 'rawBody') return Buffer.from(String(value));
  return wide.has(name) ? BigInt(value as number) : value;
}

/** The message in a field; one that is not there is made, as protobuf's libraries do. */
function inner(fields: Fields, name: string): Fields {
  fields[name] ??= emptyMessage(name);
  return fields[name] as Fields;
}

function emptyMessage(name: string): unknown {
  const empty = WireObject.fromJSON({
    request: { returnOverrides: {} },
    response: {},
    session: { monitor: {}, jwtData: {}, basicAuthData: {} },
  });
  const fields = empty as unknown as Fields;
  return fields[name] ?? (fields.request as Fields)[name] ?? (fields.session as Fields)[name];
}

function cleared(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.alloc(0);
  if (Array.isArray(value)) return [];
  if (typeof value === 'string') return '';
  if (typeof value === 'number') return 0;
  // A map is emptied, a message is taken out; messages are told by what their fields hold.
  const isMap =
    value !== null &&
    typeof value === 'object' &&
    Object.values(value).every((item) => typeof item === 'string') &&
    !('responseCode' in value);
  return isMap ? {} : undefined;
}

function accessRight(right: Fields): unknown {
  return {
    apiName: right.api_name ?? '',
    apiId: right.api_id,
    versions: right.versions ?? [],
    allowedUrls: ((right.allowed_urls ?? []) as Fields[]).map(({ url, methods }) => ({ url, methods })),
  };
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The message as protobuf's JSON with its own field names: what is zero is left out. */
function readable(object: WireObject): Record<string, unknown> {
  const shown = snake(WireObject.toJSON(object)) as Record<string, Record<string, unknown>>;
  for (const [part, body] of [
    ['request', object.request?.rawBody],
    ['response', object.response?.rawBody],
  ] as const) {
    if (body !== undefined && body.length > 0) (shown[part] as Record<string, unknown>).raw_body = text(body);
  }
  const listed = (shown.response?.multivalue_headers ?? []) as { key: string }[];
  listed.sort((a, b) => (a.key < b.key ? -1 : 1));
  return shown;
}

/** Maps whose keys are data, not field names. */
const maps = new Set([
  'headers',
  'setHeaders',
  'params',
  'addParams',
  'extendedParams',
  'metadata',
  'spec',
  'oauthKeys',
]);

function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (maps.has(key)) return [name, item];
      if (key === 'accessRights')
        return [name, Object.fromEntries(Object.entries(item as object).map(([api, right]) => [api, snake(right)]))];
      return [name, snake(item)];
    }),
  );
}
