import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { type ContractOptions, defaultContractOptions } from '../../contract/request-state.ts';

export interface LinkDispatcherOptions {
  /** gRPC targets of coprocesses: `host:port`, `tcp://host:port`, `dns:///host:port`, `unix:/path`. */
  readonly targets: readonly string[];
  /** PEM texts. `ca` absent: the system's; `cert` and `key` for mutual TLS. Absent: plain text. */
  readonly tls?: LinkTls | undefined;
  /** Calls that wait for a coprocess to take them; beyond it they fail as overload. @default 4096 */
  readonly maxQueuedCalls?: number;
  /** Names this gateway in logs of coprocesses. @default the process id */
  readonly gatewayId?: string;
  /** Answers what plugins ask for: keys, storage, events. Rejects with what is wrong. @default rejects */
  readonly hostServices?: (service: string, args: unknown) => Promise<unknown>;
  readonly contract?: ContractOptions;
  readonly log?: LinkLog;
}

export interface LinkTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name in the coprocess's certificate, when it is not the target's. */
  readonly serverName?: string | undefined;
}

export type LinkLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;

/** What a link is built from; nothing is optional any more. */
export interface LinkSettings {
  readonly credentials: ChannelCredentials;
  readonly channel: ChannelOptions;
  readonly maxQueuedCalls: number;
  readonly gatewayId: string;
  readonly hostServices: (service: string, args: unknown) => Promise<unknown>;
  readonly contract: ContractOptions;
  readonly log: LinkLog;
}

export function resolveLinkOptions(options: LinkDispatcherOptions): LinkSettings {
  const { tls } = options;
  return {
    credentials:
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert)),
    channel:
      tls?.serverName === undefined
        ? channelOptions
        : { ...channelOptions, 'grpc.ssl_target_name_override': tls.serverName },
    maxQueuedCalls: options.maxQueuedCalls ?? 4096,
    gatewayId: options.gatewayId ?? String(process.pid),
    hostServices: options.hostServices ?? noServices,
    contract: options.contract ?? defaultContractOptions,
    log: options.log ?? (() => {}),
  };
}

function pem(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}

function noServices(service: string): Promise<never> {
  return Promise.reject(new Error(`this gateway does not offer the service "${service}"`));
}

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Each attempt to attach is a channel of its own: the link does its own backing off, and retries are not grpc-js's to make.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  // A link is inside one deployment: a proxy for the outside is not for it.
  'grpc.enable_http_proxy': 0,
  // The default of 64 KB would stop a busy batch stream every few milliseconds.
  'grpc-node.flow_control_window': 16 * 1024 * 1024,
  // A peer that vanished without a word is noticed after 8 s; its calls end at their deadlines before that.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 3_000,
};

/** A configured target in the form that grpc-js takes. */
export function grpcTarget(target: string): string {
  return target.startsWith('tcp://') ? target.slice('tcp://'.length) : target;
}
