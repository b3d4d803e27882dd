import {
  Channel,
  type ChannelCredentials,
  type ChannelInterface,
  type ChannelOptions,
  connectivityState,
  credentials,
} from '@grpc/grpc-js';
import { watchPicker } from './ready-picker.ts';
import { UnaryClient } from './unary-client.ts';

/** An external plugin server, as configured. A limit that is off is `Infinity`. */
export interface PluginServerOptions {
  /** `tcp://host:port`, `host:port`, `dns:///host:port`, `unix:/path` or `unix:///path`. */
  readonly target: string;
  /** Longest wait for a reply, in milliseconds; a hook's own limit holds as well. */
  readonly timeoutMs: number;
  /** undefined: plain text. */
  readonly tls: ServerTls | undefined;
  /** `:authority` of the calls; undefined: the target's. */
  readonly authority: string | undefined;
  /** Largest reply, in bytes. */
  readonly maxReceiveBytes: number;
  /** Largest call, in bytes: servers refuse more than 4 MiB unless told otherwise. */
  readonly maxSendBytes: number;
  /** Spread calls over all addresses of a `dns:///` name. */
  readonly roundRobin: boolean;
  /** Calls in flight at once; more fail at once. */
  readonly maxConcurrentCalls: number;
}

/** PEM texts. */
export interface ServerTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Name to check in the certificate instead of the target's host. */
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** A plugin server that can be called. */
export interface PluginServer {
  readonly name: string;
  readonly client: UnaryClient;
  readonly channel: ChannelInterface;
  readonly timeoutMs: number;
  readonly maxSendBytes: number;
  readonly maxConcurrentCalls: number;
  /** Calls in flight. */
  calls: number;
}

/**
 * First and longest pause between connection attempts, in milliseconds. grpc-js waits 1 s, and later up to 120 s; a plugin server that is
 * back must be in use within half a second.
 */
const reconnect = { initialMs: 100, maxMs: 400 };

/** Longest connection attempt, TLS included, in milliseconds. */
const connectTimeoutMs = 5000;

/** Connects when first called. */
export function openServer(name: string, options: PluginServerOptions): PluginServer {
  const { ready, serviceConfig } = watchPicker(options.roundRobin ? 'round_robin' : 'pick_first');
  const channelOptions: ChannelOptions = {
    'grpc.max_receive_message_length': Number.isFinite(options.maxReceiveBytes) ? options.maxReceiveBytes : -1,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': reconnect.initialMs,
    // nice-grpc, which serves our own services, patches grpc-js to take this as the limit of one connection attempt.
    'grpc.min_reconnect_backoff_ms': connectTimeoutMs,
    'grpc.max_reconnect_backoff_ms': reconnect.maxMs,
    // A peer that is gone without a word is noticed after 20 s instead of never.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Calls that start on a connection do not count as use of the channel: it would count as idle after half an hour of traffic.
    'grpc.client_idle_timeout_ms': 2 ** 31 - 1,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    'grpc-node.flow_control_window': 16 * 1024 * 1024,
    ...(options.authority !== undefined && { 'grpc.default_authority': options.authority }),
    ...(options.tls?.serverName !== undefined && { 'grpc.ssl_target_name_override': options.tls.serverName }),
    'grpc.service_config': serviceConfig,
  };
  const target = options.target.replace(/^tcp:\/\//, '');
  const channel = new Channel(target, credentialsOf(options), channelOptions);
  const authority = options.authority ?? authorityOf(target);
  return {
    name,
    channel,
    client: new UnaryClient({ channel, ready, authority, maxReceiveBytes: options.maxReceiveBytes }),
    timeoutMs: options.timeoutMs,
    maxSendBytes: options.maxSendBytes,
    maxConcurrentCalls: options.maxConcurrentCalls,
    calls: 0,
  };
}

/** What grpc-js takes when told nothing: the host and port of the target, and `localhost` for a socket. */
function authorityOf(target: string): string {
  return target.startsWith('unix:')
    ? 'localhost'
    : target
        .replace(/^[a-z0-9]+:\/\/[^/]*\//, '')
        .replace(/^(dns|ipv[46]):/, '')
        .replace(/,.*/, '');
}

/** Whether the last connection attempt failed. Asking makes an idle channel connect. */
export function isDown(server: PluginServer): boolean {
  return server.channel.getConnectivityState(true) === connectivityState.TRANSIENT_FAILURE;
}

function credentialsOf({ tls }: PluginServerOptions): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const verify = tls.insecureSkipVerify ? { rejectUnauthorized: false } : {};
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert), verify);
}
