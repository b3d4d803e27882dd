import { readFileSync } from 'node:fs';
import { type ChannelCredentials, type ChannelOptions, Client, connectivityState, credentials } from '@grpc/grpc-js';

/** An external plugin server, as configured. */
export interface PluginServerOptions {
  /** `tcp://host:port`, `host:port`, `dns:///host:port`, `unix:/path` or `unix:///path`. */
  readonly target: string;
  /** Longest wait for a reply, in milliseconds; a hook's own limit holds as well. Absent: the hook's alone. */
  readonly timeoutMs?: number;
  /** Absent: plain text. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** `:authority` of the calls. Absent: the target's. */
  readonly authority?: string;
  /** Largest reply, in bytes. @default 4 MiB, what gRPC libraries accept unless told otherwise */
  readonly maxReceiveBytes?: number;
  /** Largest call, in bytes. @default 4 MiB, for servers refuse more unless told otherwise */
  readonly maxSendBytes?: number;
  /** Spread calls over all addresses of a `dns:///` name. */
  readonly roundRobin?: boolean;
  /** Calls in flight at once; more fail at once. @default 4096 */
  readonly maxConcurrentCalls?: number;
}

/** A plugin server that can be called. */
export interface PluginServer {
  readonly name: string;
  readonly client: Client;
  readonly timeoutMs: number;
  readonly maxSendBytes: number;
  readonly maxConcurrentCalls: number;
  /** Calls in flight. */
  calls: number;
}

const defaultMaxMessageBytes = 4 * 1024 * 1024;
const defaultMaxConcurrentCalls = 4096;

/**
 * First and longest pause between connection attempts, in milliseconds. grpc-js waits 1 s, and later up to 120 s; a plugin server that is
 * back must be in use within half a second.
 */
const reconnect = { initialMs: 100, maxMs: 400 };

/** Connects when first called. */
export function openServer(name: string, options: PluginServerOptions): PluginServer {
  const channel: ChannelOptions = {
    'grpc.max_receive_message_length': options.maxReceiveBytes ?? defaultMaxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': reconnect.initialMs,
    'grpc.min_reconnect_backoff_ms': reconnect.initialMs,
    'grpc.max_reconnect_backoff_ms': reconnect.maxMs,
    // A peer that is gone without a word is noticed after 20 s instead of never.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.enable_retries': 0,
    'grpc-node.flow_control_window': 16 * 1024 * 1024,
    ...(options.authority && { 'grpc.default_authority': options.authority }),
    ...(options.roundRobin && {
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    }),
  };
  return {
    name,
    client: new Client(options.target.replace(/^tcp:\/\//, ''), credentialsOf(options), channel),
    timeoutMs: options.timeoutMs ?? Number.POSITIVE_INFINITY,
    maxSendBytes: options.maxSendBytes ?? defaultMaxMessageBytes,
    maxConcurrentCalls: options.maxConcurrentCalls ?? defaultMaxConcurrentCalls,
    calls: 0,
  };
}

/** Whether the last connection attempt failed. Asking makes an idle channel connect. */
export function isDown(server: PluginServer): boolean {
  return server.client.getChannel().getConnectivityState(true) === connectivityState.TRANSIENT_FAILURE;
}

/** @throws {Error} when a certificate file cannot be read. */
function credentialsOf({ tls }: PluginServerOptions): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const read = (path: string | undefined): Buffer | null => (path === undefined ? null : readFileSync(path));
  return credentials.createSsl(read(tls.ca), read(tls.key), read(tls.cert));
}
