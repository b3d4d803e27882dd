import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import { createServer } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import type { PluginSet } from '../contract/plugin-set.ts';
import { DispatcherDefinition } from '../proto/gen/coprocess_object.ts';
import { LinkDefinition } from '../proto/gen/interpose/link/v1/link.ts';
import type { Coprocess } from './coprocess.ts';
import { createDispatcherService, dispatcherServiceDefinition } from './dispatcher-service.ts';
import type { GatewayHost } from './gateway-host.ts';
import { createLinkService, linkServiceDefinition } from './link-service.ts';
import { widenWindows } from './link-window.ts';
import { freeSocketPath } from './socket-path.ts';
import { startWatchdog } from './watchdog.ts';

export interface CoprocessServerOptions {
  readonly coprocess: Coprocess;
  /** The host that the coprocess's drivers were given. */
  readonly host: GatewayHost;
  /** `host:port`, port 0 for a free one, or `unix:/path`. */
  readonly address: string;
  /** PEM texts. With `clientCa`, who calls must show a certificate that it signed. Absent: plain text. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Names this coprocess in logs of gateways. @default a random one */
  readonly id?: string;
  /** Plugin sets that foreign gateways may call; they are installed already. */
  readonly served?: readonly PluginSet[];
  /** End this process when its event loop has stood still for this long: see {@link startWatchdog}. Absent: never. */
  readonly watchdogMs?: number;
}

export interface CoprocessServer {
  /** Where it listens: `host:port` with the real port, or `unix:/path`. */
  readonly address: string;
  /** The plugin sets that foreign gateways may call from now on; they are installed already. */
  serve(sets: readonly PluginSet[]): void;
  /** Let gateways and calls go, for `drainTimeoutMs` at most, then end. The coprocess stays its owner's. @default 0 */
  close(drainTimeoutMs?: number): Promise<void>;
}

/**
 * Open a coprocess to gateways: ours attach over `interpose.link.v1.Link`, any other calls `coprocess.Dispatcher`. Health and
 * reflection are served beside them.
 *
 * @throws when the address cannot be listened on.
 */
export async function serveCoprocess(options: CoprocessServerOptions): Promise<CoprocessServer> {
  const link = createLinkService(options.coprocess, options.host, options.id ?? randomUUID());
  const dispatcher = createDispatcherService(options.coprocess, options.host.log);
  dispatcher.serve(options.served ?? []);
  const health = HealthState();
  const services = ['', LinkDefinition.fullName, DispatcherDefinition.fullName];
  for (const service of services) health.setStatus('healthy', service);

  const server = createServer(channelOptions);
  server.add(linkServiceDefinition, link);
  server.add(dispatcherServiceDefinition, dispatcher);
  server.add(HealthDefinition, HealthServiceImpl(health));
  server.add(ServerReflectionService, ServerReflection(await readFile(descriptors), reflectedServices));
  const address = await listen(server, options);
  const watchdog = options.watchdogMs === undefined ? undefined : startWatchdog(options.watchdogMs);
  const leaveWindows = widenWindows(linkServiceDefinition.attach.path);

  return {
    address,
    serve: (sets) => dispatcher.serve(sets),

    async close(drainTimeoutMs = 0) {
      for (const service of services) health.setStatus('unhealthy', service);
      if (drainTimeoutMs > 0)
        await Promise.race([Promise.all([link.drain(), dispatcher.drain()]), after(drainTimeoutMs)]);
      link.end();
      leaveWindows();
      await watchdog?.stop();
      server.forceShutdown();
    },
  };
}

const descriptors = new URL('../proto/gen/descriptors.binpb', import.meta.url);
const reflectedServices = [LinkDefinition.fullName, DispatcherDefinition.fullName, HealthDefinition.fullName];

const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Gateways that vanished without a word (a pulled cable, a frozen machine) are noticed after 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
};

async function listen(server: ReturnType<typeof createServer>, options: CoprocessServerOptions): Promise<string> {
  const { address } = options;
  if (address.startsWith('unix:')) await freeSocketPath(address.slice('unix:'.length));
  const port = await server.listen(address, credentials(options.tls));
  return address.startsWith('unix:') ? address : address.replace(/:\d+$/, `:${port}`);
}

function credentials(tls: CoprocessServerOptions['tls']): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
  const clientCa = tls.clientCa === undefined ? null : Buffer.from(tls.clientCa);
  return ServerCredentials.createSsl(clientCa, [pair], clientCa !== null);
}

function after(waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, waitMs).unref();
  });
}
