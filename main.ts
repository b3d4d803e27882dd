import { readFileSync } from 'node:fs';
import { type Coprocess, createCoprocess, GatewayHost, serveCoprocess } from './coprocess/index.ts';
import { createGrpcDriver } from './drivers/grpc/index.ts';
import { addressText, type Configuration } from './gateway/configuration/index.ts';
import { createControl, json } from './gateway/control/control.ts';
import type { Api } from './gateway/definitions/api.ts';
import { loadDefinitions } from './gateway/definitions/index.ts';
import type { Dispatcher } from './gateway/dispatch/dispatcher.ts';
import { createInProcessDispatcher } from './gateway/dispatch/in-process.ts';
import { type ApiParts, createGateway, type Gateway } from './gateway/gateway.ts';
import { type GatewayLog, observe } from './gateway/telemetry/observe.ts';
import { createUpstream } from './gateway/upstream/index.ts';
import { createTracing, type Tracing } from './telemetry/index.ts';

/** What runs, and how to end it. */
export interface Running {
  /** Addresses that it listens on, as `host:port` or `unix:/path`. */
  readonly addresses: readonly string[];
  readonly controlAddress: string | undefined;
  /** Stop accepting, let what is in flight end, close everything. */
  close(): Promise<void>;
}

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as { version: string };

/** Gateway and coprocess in this process. @throws when an address cannot be listened on. */
export async function run(configuration: Configuration): Promise<Running> {
  const log = createLog();
  const tracing = await createTracing({ configuration: configuration.tracing, role: 'gateway', version, log });
  const { coprocess } = openCoprocess(configuration, tracing, log);
  const dispatcher = createInProcessDispatcher(coprocess);
  const { gateway, close } = await openGateway(configuration, dispatcher, tracing, log);
  return {
    addresses: gateway.addresses,
    controlAddress: gateway.controlAddress,
    close: async () => {
      await close();
      await coprocess.close();
      await tracing?.close();
    },
  };
}

/** The coprocess alone: gateways attach to it. */
export async function runCoprocess(configuration: Configuration): Promise<Running> {
  const log = createLog();
  const tracing = await createTracing({ configuration: configuration.tracing, role: 'coprocess', version, log });
  const { coprocess, host } = openCoprocess(configuration, tracing, log);
  const { listen } = configuration.coprocess;
  const server = await serveCoprocess({ coprocess, host, address: addressText(listen) });
  return {
    addresses: [server.address],
    controlAddress: undefined,
    close: async () => {
      await server.close(configuration.limits.drainTimeoutMs);
      await coprocess.close();
      await tracing?.close();
    },
  };
}

/** The gateway alone; its hooks run in the coprocesses of the configuration. */
export async function runGateway(configuration: Configuration): Promise<Running> {
  const log = createLog();
  const tracing = await createTracing({ configuration: configuration.tracing, role: 'gateway', version, log });
  const { createLinkDispatcher } = await import('./gateway/dispatch/index.ts');
  const dispatcher = createLinkDispatcher({ targets: configuration.coprocess.targets, log });
  const { gateway, close } = await openGateway(configuration, dispatcher, tracing, log);
  return {
    addresses: gateway.addresses,
    controlAddress: gateway.controlAddress,
    close: async () => {
      await close();
      await tracing?.close();
    },
  };
}

function openCoprocess(
  configuration: Configuration,
  tracing: Tracing | undefined,
  log: GatewayLog,
): { coprocess: Coprocess; host: GatewayHost } {
  const host = new GatewayHost(log);
  const grpc = createGrpcDriver({
    servers: configuration.servers,
    ...(tracing && { beginSpan: (method, server, parent) => tracing.beginCall(method, server, parent) }),
  });
  const coprocess = createCoprocess({ drivers: [grpc], host, contract: configuration.contract });
  return { coprocess, host };
}

async function openGateway(
  configuration: Configuration,
  dispatcher: Dispatcher,
  tracing: Tracing | undefined,
  log: GatewayLog,
): Promise<{ gateway: Gateway; close: () => Promise<void> }> {
  const { limits, upstream: defaults, definitions } = configuration;
  const upstream = createUpstream({
    connectTimeoutMs: defaults.connectTimeoutMs,
    drainTimeoutMs: limits.drainTimeoutMs,
  });
  const replies = { hideGenerator: configuration.errors.hideGenerator, closeConnections: false };
  const apiParts = (api: Api): ApiParts => ({
    dispatcher,
    upstream,
    contract: configuration.contract,
    replies,
    preciseErrors: configuration.errors.precise,
    maxBodyBytes: limits.maxBodyBytes,
    upstreamTimeoutMs: defaults.timeoutMs,
    observer: observe(api, { tracing, log }),
    sessions: undefined as never,
    notLoaded: configuration.compatibility.tykConf
      ? { status: 500, message: 'Middleware error' }
      : { status: 503, message: 'The plugins of this API are not loaded' },
    driverProblem: driverProblem(api, configuration),
  });
  const gateway = await createGateway({
    configuration,
    dispatcher,
    upstream,
    loadApis: async () => {
      const { apis, refusals } = await loadDefinitions(definitions.folder, {
        ignoreFeatures: definitions.ignoreFeatures,
        hookTimeoutMs: limits.hookTimeoutMs,
        secrets: definitions.secrets,
        authMayContinue: configuration.plugins.authMayContinue,
        customDomains: configuration.routing.customDomains,
        matching: { prefix: configuration.routing.prefixMatching, suffix: configuration.routing.suffixMatching },
      });
      return { apis, problems: refusals };
    },
    apiParts,
    control: (opened) =>
      createControl(opened, {
        secret: configuration.control.secret,
        healthPath: configuration.control.healthPath,
        readyPath: configuration.control.readyPath,
        metricsPath: undefined,
        metrics: async () => json(200, {}),
        problems: () => (dispatcher.available ? [] : ['no coprocess can be reached']),
        version,
        endpoints: () => undefined,
      }),
    log,
  });
  return {
    gateway,
    close: async () => {
      await gateway.close();
      await dispatcher.close();
      await upstream.close();
    },
  };
}

/** Drivers whose hooks run in what a tyk.conf calls the coprocess. */
const coprocessDrivers = new Set(['grpc', 'python', 'lua']);

/** Why no hook of an API can run, whatever is installed: then its requests are refused. */
function driverProblem(api: Api, { compatibility }: Configuration): ApiParts['driverProblem'] {
  if (api.plugins.unknownDriver !== undefined) return { status: 500, message: 'Internal Server Error' };
  const off = !compatibility.coprocessEnabled && api.plugins.hooks.some((hook) => coprocessDrivers.has(hook.driver));
  return off ? { status: 500, message: 'Middleware error' } : undefined;
}

function createLog(): GatewayLog {
  return (level: string, message, fields) =>
    process.stderr.write(`${level} ${message} ${fields ? JSON.stringify(fields) : ''}\n`);
}
