import { readFileSync } from 'node:fs';
import { type Coprocess, createCoprocess, GatewayHost, serveCoprocess } from './coprocess/index.ts';
import { createGrpcDriver } from './drivers/grpc/index.ts';
import { addressText, type Configuration } from './gateway/configuration/index.ts';
import { apiEndpoints } from './gateway/control/apis.ts';
import { createControl } from './gateway/control/control.ts';
import { definitionFiles } from './gateway/control/definition-files.ts';
import {
  type Api,
  type DefinitionOptions,
  type LoadedDefinitions,
  loadDefinitions,
  refusalLines,
} from './gateway/definitions/index.ts';
import { createInProcessDispatcher, createLinkDispatcher, type Dispatcher } from './gateway/dispatch/index.ts';
import { type ApiParts, createGateway, type Gateway, type GatewayParts } from './gateway/gateway.ts';
import { createUpstream } from './gateway/upstream/index.ts';
import {
  createLogger,
  createMetrics,
  createObserver,
  createTracing,
  type Logger,
  type Metrics,
  type Tracing,
} from './telemetry/index.ts';

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
  const watch = await openWatch(configuration, 'gateway');
  const { coprocess } = openCoprocess(configuration, watch);
  const dispatcher = createInProcessDispatcher(coprocess);
  return openGateway(configuration, dispatcher, watch, () => coprocess.close());
}

/** The gateway alone; its hooks run in the coprocesses of the configuration. */
export async function runGateway(configuration: Configuration): Promise<Running> {
  const watch = await openWatch(configuration, 'gateway');
  const { coprocess, limits, contract } = configuration;
  const dispatcher = createLinkDispatcher({
    targets: coprocess.targets,
    tls: coprocess.tls,
    maxQueuedCalls: limits.maxQueuedCalls,
    contract,
    log: watch.logger.log,
  });
  watch.metrics.watchLinks(() => [[coprocess.targets.join(','), dispatcher.available]]);
  return openGateway(configuration, dispatcher, watch, async () => {});
}

/** The coprocess alone: gateways attach to it, and foreign ones may call what its own definitions install. */
export async function runCoprocess(configuration: Configuration): Promise<Running> {
  const watch = await openWatch(configuration, 'coprocess');
  const { coprocess, host } = openCoprocess(configuration, watch);
  const { listen, tls } = configuration.coprocess;
  const server = await serveCoprocess({
    coprocess,
    host,
    address: addressText(listen),
    ...(tls?.cert !== undefined &&
      tls.key !== undefined && {
        tls: { cert: tls.cert, key: tls.key, ...(tls.ca !== undefined && { clientCa: tls.ca }) },
      }),
  });
  watch.logger.log('info', 'coprocess ready', { address: server.address, drivers: coprocess.drivers });
  return {
    addresses: [server.address],
    controlAddress: undefined,
    close: async () => {
      await server.close(configuration.limits.drainTimeoutMs);
      await coprocess.close();
      await watch.close();
    },
  };
}

/** What sees and tells how the process does. */
interface Watch {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
  close(): Promise<void>;
}

async function openWatch(
  { log, tracing: traced, warnings }: Configuration,
  role: 'gateway' | 'coprocess',
): Promise<Watch> {
  const logger = createLogger({ level: log.level, format: log.format });
  for (const warning of warnings) logger.log('warn', warning);
  const tracing = await createTracing({ configuration: traced, role, version, log: logger.log });
  return {
    logger,
    metrics: createMetrics(version),
    tracing,
    close: async () => {
      await tracing?.close();
      logger.flush();
    },
  };
}

function openCoprocess(configuration: Configuration, watch: Watch): { coprocess: Coprocess; host: GatewayHost } {
  const { tracing } = watch;
  const host = new GatewayHost(watch.logger.log);
  const grpc = createGrpcDriver({
    servers: configuration.servers,
    ...(tracing && { beginSpan: tracing.beginCall, traceHeaders: tracing.traceHeaders }),
  });
  watch.metrics.watchPluginServers(() => {
    const down = new Set(grpc.serversDown());
    return Object.keys(configuration.servers).map((name) => [name, !down.has(name)]);
  });
  const coprocess = createCoprocess({ drivers: [grpc], host, contract: configuration.contract });
  return { coprocess, host };
}

async function openGateway(
  configuration: Configuration,
  dispatcher: Dispatcher,
  watch: Watch,
  closeHooks: () => Promise<void>,
): Promise<Running> {
  const { limits, upstream: defaults } = configuration;
  const upstream = createUpstream({
    connectTimeoutMs: defaults.connectTimeoutMs,
    drainTimeoutMs: limits.drainTimeoutMs,
  });
  const gateway = await createGateway({
    configuration,
    dispatcher,
    upstream,
    loadApis: apiLoader(configuration, watch.logger),
    apiParts: apiParts(configuration, dispatcher, upstream, watch),
    replies: repliesOf(configuration),
    notLoaded: notLoaded(configuration),
    control: (opened) => controlOf(configuration, opened, dispatcher, watch.metrics),
    log: watch.logger.log,
  });
  watch.metrics.watchApis(() => ({ loaded: gateway.world.byId.keys(), refused: gateway.world.problems.length }));
  watch.logger.log('info', 'gateway ready', { addresses: gateway.addresses, control: gateway.controlAddress });
  return {
    addresses: gateway.addresses,
    controlAddress: gateway.controlAddress,
    close: async () => {
      await gateway.close();
      await dispatcher.close();
      await upstream.close();
      await closeHooks();
      await watch.close();
    },
  };
}

function apiLoader(configuration: Configuration, logger: Logger): GatewayParts['loadApis'] {
  const { definitions, limits, routing, plugins, javascript } = configuration;
  // The same object each time: files that have not changed are then not read again.
  const options: Partial<DefinitionOptions> = {
    ignoreFeatures: definitions.ignoreFeatures,
    hookTimeoutMs: limits.hookTimeoutMs,
    driverTimeoutMs: { otto: javascript.timeoutMs, javascript: javascript.timeoutMs },
    secrets: definitions.secrets,
    authMayContinue: plugins.authMayContinue,
    customDomains: routing.customDomains,
    matching: { prefix: routing.prefixMatching, suffix: routing.suffixMatching },
  };
  let last: LoadedDefinitions | undefined;
  return async () => {
    last = await loadDefinitions(definitions.folder, options, last);
    for (const warning of last.warnings) logger.log('warn', warning);
    for (const key of last.unknownKeys) logger.log('debug', `unknown key in a definition: ${key}`);
    const problems = last.refusals.map((refusal) => ({
      source: refusal.source,
      api: refusal.id,
      message: refusalLines(refusal).join('\n'),
      // What cannot be read at all has no place of its own (recorded).
      place: refusal.kind === 'unreadable' ? undefined : { path: refusal.listenPath, domain: refusal.domain },
    }));
    return { apis: last.apis, problems };
  };
}

function apiParts(
  configuration: Configuration,
  dispatcher: Dispatcher,
  upstream: GatewayParts['upstream'],
  { tracing, metrics, logger }: Watch,
): (api: Api) => ApiParts {
  const { limits, errors } = configuration;
  const observe = createObserver({ tracing, metrics, logger, accessLog: configuration.log.accessLog });
  return (api) => ({
    dispatcher,
    upstream,
    contract: configuration.contract,
    replies: repliesOf(configuration),
    preciseErrors: errors.precise,
    maxBodyBytes: limits.maxBodyBytes,
    upstreamTimeoutMs: configuration.upstream.timeoutMs,
    observer: observe(api),
    sessions: undefined as never,
    notLoaded: notLoaded(configuration),
    driverProblem: driverProblem(api, configuration),
  });
}

/** How an API answers that could not be loaded. */
function notLoaded({ compatibility }: Configuration): ApiParts['notLoaded'] {
  if (compatibility.tykConf) return { status: 500, message: 'Middleware error' };
  return { status: 503, message: 'This API is not loaded; the log of the gateway says why' };
}

function repliesOf({ errors, listeners }: Configuration): ApiParts['replies'] {
  return { hideGenerator: errors.hideGenerator, closeConnections: !listeners.some((listener) => listener.keepAlive) };
}

/** Drivers whose hooks run in what a tyk.conf calls the coprocess. */
const coprocessDrivers = new Set(['grpc', 'python', 'lua']);

/** Why no hook of an API can run, whatever is installed: then its requests are refused. */
function driverProblem(api: Api, { compatibility }: Configuration): ApiParts['driverProblem'] {
  if (api.plugins.unknownDriver !== undefined) return { status: 500, message: 'Internal Server Error' };
  const usesGrpc = api.plugins.hooks.some((hook) => hook.driver === 'grpc');
  if (usesGrpc && compatibility.defaultServerProblem !== undefined)
    return { status: 500, message: 'Internal Server Error' };
  const off = !compatibility.coprocessEnabled && api.plugins.hooks.some((hook) => coprocessDrivers.has(hook.driver));
  return off ? { status: 500, message: 'Middleware error' } : undefined;
}

function controlOf(
  { control, metrics: published, compatibility, definitions }: Configuration,
  gateway: Gateway,
  dispatcher: Dispatcher,
  metrics: Metrics,
): ReturnType<GatewayParts['control']> {
  return createControl(gateway, {
    secret: control.secret,
    healthPath: control.healthPath,
    readyPath: control.readyPath,
    metricsPath: published.enabled ? published.path : undefined,
    metrics: async () => ({ status: 200, body: await metrics.text(), contentType: metrics.contentType }),
    problems: () => (dispatcher.available ? [] : ['no coprocess can be reached']),
    version,
    description: compatibility.tykConf ? 'Tyk GW' : 'Interpose gateway',
    endpoints: apiEndpoints(gateway, definitionFiles(definitions.folder)),
  });
}
