import { performance } from 'node:perf_hooks';
import { type StatusObject, status } from '@grpc/grpc-js';
import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall, TraceContext } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { decodeAnswer, encodeObject, type ObjectConstants, objectConstants } from '../../contract/object.ts';
import type { HookReport, HookSpec } from '../../contract/plugin-set.ts';
import { specMap } from '../../contract/spec-map.ts';
import { WireWriter } from '../../contract/wire/writer.ts';
import type { Driver, LoadedHooks } from '../driver.ts';
import { prefixBytes } from './message-frame.ts';
import { isDown, openServer, type PluginServer, type PluginServerOptions } from './servers.ts';

export interface GrpcDriverOptions {
  /** By name; `default` serves the hooks that name none. */
  readonly servers: Readonly<Record<string, PluginServerOptions>>;
  /** Begin the client span of a sampled call; absent without tracing. */
  readonly beginSpan?: (name: string, server: string, parent: TraceContext) => ClientSpan;
  /** How a context looks among the metadata: name, value, name, value, ... @default W3C */
  readonly traceHeaders?: (context: TraceContext) => readonly string[];
}

/** The span of one call: `context` goes to the server. */
export interface ClientSpan {
  readonly context: TraceContext;
  end(grpcStatus: number, error?: Error): void;
}

const dispatchPath = '/coprocess.Dispatcher/Dispatch';
const eventPath = '/coprocess.Dispatcher/DispatchEvent';
const none: readonly string[] = [];

/** The driver `grpc`: hooks run in external plugin servers that speak `coprocess.Dispatcher`. Hooks are picked by the server, by name. */
export function createGrpcDriver(options: GrpcDriverOptions): Driver & { readonly serversDown: () => string[] } {
  const servers = new Map<string, PluginServer>();
  for (const [name, server] of Object.entries(options.servers)) servers.set(name, openServer(name, server));

  return {
    names: ['grpc'],
    serversDown: () => [...servers.values()].filter(isDown).map((server) => server.name),

    async load(set, hooks) {
      const spec = specMap(set);
      const loaded = new Map<HookSpec, { server: PluginServer; constants: ObjectConstants }>();
      const reports = hooks.map((hook): HookReport => {
        const server = servers.get(hook.server ?? 'default');
        if (server === undefined) return { ready: false, reason: unknownServer(hook, [...servers.keys()]) };
        loaded.set(hook, { server, constants: objectConstants(hook, spec) });
        return { ready: true, body: 'buffered', requestBody: hook.type === 'response' };
      });
      return {
        reports,
        run(hook, call) {
          const known = loaded.get(hook);
          if (known === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" has no plugin server`);
          return dispatch(known.server, known.constants, call, options);
        },
        async close() {},
      } satisfies LoadedHooks;
    },

    async close() {
      for (const server of servers.values()) server.channel.close();
    },
  };
}

function unknownServer(hook: HookSpec, names: readonly string[]): string {
  const known = names.length === 0 ? 'none is configured' : `configured are ${names.join(', ')}`;
  return hook.server === undefined
    ? `hook "${hook.name}" needs the default plugin server; ${known}: add "servers: { default: { target: ... } }"`
    : `hook "${hook.name}" names the plugin server "${hook.server}"; ${known}`;
}

function dispatch(
  server: PluginServer,
  constants: ObjectConstants,
  call: HookCall,
  { beginSpan, traceHeaders = w3cHeaders }: GrpcDriverOptions,
): Promise<HookAnswer> {
  const isEvent = constants.type === 'event';
  const frame = isEvent ? encodeEvent(call.request.body) : encodeObject(constants, call, prefixBytes);
  const bytes = frame.length - prefixBytes;
  if (bytes > server.maxSendBytes) {
    throw new PluginFailure(
      'CALL_UNSENDABLE',
      `the message has ${bytes} bytes, and "${server.name}" is sent ${server.maxSendBytes} at most (maxSendBytes); raw_body_only halves a text body`,
    );
  }
  if (server.calls >= server.maxConcurrentCalls) {
    throw new PluginFailure('OVERLOADED', `"${server.name}" has ${server.calls} calls in flight (maxConcurrentCalls)`);
  }
  const span =
    call.trace === undefined
      ? undefined
      : beginSpan?.((isEvent ? eventPath : dispatchPath).slice(1), server.name, call.trace);
  const trace = span?.context ?? call.trace;
  const deadlineMs = Math.min(call.deadlineMs, performance.now() + server.timeoutMs);
  return new Promise((resolve, reject) => {
    server.calls++;
    const onEnd = (ended: StatusObject, reply: Buffer | undefined): void => {
      server.calls--;
      stopListening();
      span?.end(ended.code, ended.code === status.OK ? undefined : new Error(ended.details));
      if (reply === undefined || ended.code !== status.OK) return reject(failureOf(ended, server));
      try {
        resolve(isEvent ? {} : decodeAnswer(constants.type, reply, call));
      } catch (failure) {
        reject(failure);
      }
    };
    const running = server.client.begin({
      path: isEvent ? eventPath : dispatchPath,
      frame,
      headers: trace === undefined ? none : traceHeaders(trace),
      deadlineMs,
      onEnd,
    });
    const stopListening = call.cancellation.onCancel(() => running.cancel());
  });
}

/** A `coprocess.Event`, behind room for its prefix: its payload is what the call carries as its body. */
function encodeEvent(payload: Buffer): Buffer {
  const writer = new WireWriter(payload.length + 32);
  writer.skip(prefixBytes);
  writer.bytes(1, payload);
  return writer.take();
}

function w3cHeaders({ traceparent, tracestate }: TraceContext): readonly string[] {
  return tracestate === undefined
    ? ['traceparent', traceparent]
    : ['traceparent', traceparent, 'tracestate', tracestate];
}

function failureOf({ code, details }: StatusObject, server: PluginServer): PluginFailure {
  const message = `plugin server "${server.name}": ${status[code] ?? code}: ${details}`;
  if (code === status.UNAVAILABLE) return new PluginFailure('DRIVER_UNAVAILABLE', message);
  if (code === status.DEADLINE_EXCEEDED) return new PluginFailure('HOOK_TIMED_OUT', message);
  if (code === status.CANCELLED) return new PluginFailure('CANCELLED', message);
  return new PluginFailure('HOOK_THREW', message);
}
