import { existsSync } from 'node:fs';
import { tuneGarbageCollection } from './contract/garbage-collection.ts';
import { createBundleStore } from './coprocess/bundles/index.ts';
import { type Coprocess, createCoprocess, GatewayHost, installServed, serveCoprocess } from './coprocess/index.ts';
import { createGrpcDriver } from './drivers/grpc/index.ts';
import { createJavaScriptDriver } from './drivers/javascript/index.ts';
import { createLuaDriver } from './drivers/lua/index.ts';
import { createPythonDriver } from './drivers/python/index.ts';
import { createTypeScriptDriver } from './drivers/typescript/index.ts';
import { addressText, type Configuration, definitionOptions } from './gateway/configuration/index.ts';
import { loadDefinitions, toPluginSet } from './gateway/definitions/index.ts';
import { createInProcessDispatcher, createLinkDispatcher, type Dispatcher } from './gateway/dispatch/index.ts';
import { type GatewayState, openGateway, openState } from './gateway/index.ts';
import {
  createLogger,
  createMetrics,
  createObserver,
  createTracing,
  type Logger,
  type Metrics,
  type Tracing,
} from './telemetry/index.ts';
import { version as packageVersion } from './version.ts';

tuneGarbageCollection();

const version = packageVersion();

/** What runs, and how to end it. */
export interface Running {
  /** Addresses that it listens on, as `host:port` or `unix:/path`. */
  readonly addresses: readonly string[];
  readonly controlAddress: string | undefined;
  /** Read definitions, policies and plugins again; absent where there are none. */
  reload?(): Promise<void>;
  /** Stop accepting, let what is in flight end, close everything. */
  close(): Promise<void>;
}

/** Gateway and coprocess in this process. @throws when an address cannot be listened on. */
export async function run(configuration: Configuration): Promise<Running> {
  const watch = await openWatch(configuration, 'gateway');
  const state = await openState(configuration, watch.logger.log);
  const { coprocess } = openCoprocess(configuration, watch, state.hostServices, configuration.plugins.trustedInProcess);
  const dispatcher = createInProcessDispatcher(coprocess);
  return runningGateway(configuration, dispatcher, state, watch, () => coprocess.close());
}

/** The gateway alone; its hooks run in the coprocesses of the configuration. */
export async function runGateway(configuration: Configuration): Promise<Running> {
  const watch = await openWatch(configuration, 'gateway');
  const state = await openState(configuration, watch.logger.log);
  const { coprocess, limits, contract } = configuration;
  const dispatcher = createLinkDispatcher({
    targets: coprocess.targets,
    tls: coprocess.tls,
    maxQueuedCalls: limits.maxQueuedCalls,
    hostServices: state.hostServices,
    contract,
    log: watch.logger.log,
  });
  watch.metrics.watchLinks(() => coprocess.targets.map((target) => [target, dispatcher.available]));
  return runningGateway(configuration, dispatcher, state, watch, async () => {});
}

/** The coprocess alone: gateways attach to it. */
export async function runCoprocess(configuration: Configuration): Promise<Running> {
  const watch = await openWatch(configuration, 'coprocess');
  const { coprocess, host } = openCoprocess(configuration, watch, undefined, true);
  const { listen, tls } = configuration.coprocess;
  const server = await serveCoprocess({
    coprocess,
    host,
    address: addressText(listen),
    watchdogMs,
    ...(tls?.cert !== undefined &&
      tls.key !== undefined && {
        tls: { cert: tls.cert, key: tls.key, ...(tls.ca !== undefined && { clientCa: tls.ca }) },
      }),
  });
  server.serve(await ownSets(configuration, coprocess, watch.logger));
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

/** How long the coprocess's event loop may stand still, in milliseconds, before a watchdog ends it: trusted plugins run on it. */
const watchdogMs = 10_000;

/** The plugin sets of the coprocess's own definitions, for gateways that are not ours; none when it has no definitions. */
async function ownSets(
  configuration: Configuration,
  coprocess: Coprocess,
  { log }: Logger,
): ReturnType<typeof installServed> {
  const { folder } = configuration.definitions;
  if (!existsSync(folder)) return [];
  const { apis } = await loadDefinitions(folder, definitionOptions(configuration));
  return installServed(
    coprocess,
    apis.map((api) => toPluginSet(api)),
    log,
  );
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

/** @param services answer what plugins ask for; undefined: the gateways that attach do. */
function openCoprocess(
  configuration: Configuration,
  { logger, metrics, tracing }: Watch,
  services: GatewayState['hostServices'] | undefined,
  allowTrusted: boolean,
): { coprocess: Coprocess; host: GatewayHost } {
  const host = new GatewayHost(logger.log, services);
  const { compatibility, guests, plugins, servers } = configuration;
  const grpc = createGrpcDriver({
    servers,
    ...(tracing && { beginSpan: tracing.beginCall, traceHeaders: tracing.traceHeaders }),
  });
  metrics.watchPluginServers(() => {
    const down = new Set(grpc.serversDown());
    return Object.keys(servers).map((name) => [name, !down.has(name)]);
  });
  const typescript = createTypeScriptDriver({
    pluginsFolder: plugins.folders.find((folder) => existsSync(folder)) ?? process.cwd(),
    memoryLimitBytes: configuration.typescript.memoryBytes,
    env: guests.environment,
    idleMs: guests.idleTimeoutMs,
    cancelGraceMs: guests.killGraceMs,
    watch: process.env.NODE_ENV !== 'production',
    allowTrusted,
  });
  const javascript = createJavaScriptDriver({
    ...configuration.javascript,
    pluginsFolders: plugins.folders.filter((folder) => existsSync(folder)),
    missing: compatibility.tykConf ? 'failCalls' : 'refuse',
    memoryLimitBytes: configuration.javascript.memoryBytes,
    idleMs: guests.idleTimeoutMs,
    cancelGraceMs: guests.killGraceMs,
    log: logger.log,
  });
  const python = createPythonDriver({
    ...configuration.python,
    pluginsFolder: compatibility.tykConf ? undefined : plugins.folders.find((folder) => existsSync(folder)),
    missing: compatibility.tykConf ? 'failCalls' : 'refuse',
    memoryLimitBytes: configuration.python.memoryBytes,
    env: guests.environment,
    idleMs: guests.idleTimeoutMs,
    cancelGraceMs: guests.killGraceMs,
  });
  const lua = createLuaDriver({
    ...configuration.lua,
    pluginsFolders: plugins.folders.filter((folder) => existsSync(folder)),
    memoryLimitBytes: configuration.lua.memoryBytes,
    env: guests.environment,
    idleMs: guests.idleTimeoutMs,
    cancelGraceMs: guests.killGraceMs,
    log: logger.log,
  });
  const bundles = createBundleStore({
    ...configuration.bundles,
    unused: compatibility.managementNode,
    log: logger.log,
  });
  const coprocess = createCoprocess({
    drivers: [grpc, typescript, javascript, python, lua],
    host,
    contract: configuration.contract,
    pluginsFolders: plugins.folders,
    bundles,
  });
  return { coprocess, host };
}

async function runningGateway(
  configuration: Configuration,
  dispatcher: Dispatcher,
  state: GatewayState,
  { logger, metrics, tracing, close }: Watch,
  closeHooks: () => Promise<void>,
): Promise<Running> {
  const observe = createObserver({ tracing, metrics, logger, accessLog: configuration.log.accessLog });
  const gateway = await openGateway({ configuration, dispatcher, state, observe, metrics, log: logger.log, version });
  if (state.analytics !== undefined) metrics.watchRecords(state.analytics.counts);
  metrics.watchApis(() => ({ loaded: gateway.world.byId.keys(), refused: gateway.world.problems.length }));
  metrics.watchBundles(() => {
    const problems = dispatcher.bundles.problems();
    const used =
      configuration.bundles.pollMs === 0 ? [] : [...gateway.world.byId.values()].map(({ api }) => api.plugins.bundle);
    const names = new Set([...used.filter((name) => name !== ''), ...problems.keys()]);
    return Array.from(names, (name) => [name, !problems.has(name)] as const);
  });
  return {
    addresses: gateway.addresses,
    controlAddress: gateway.controlAddress,
    reload: async () => {
      await gateway.reload();
    },
    close: async () => {
      await gateway.close();
      await closeHooks();
      await close();
    },
  };
}
