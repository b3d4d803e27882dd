import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ApiObserver } from './chain/observer.ts';
import type { FixedError } from './chain/request-steps.ts';
import { type Configuration, definitionOptions } from './configuration/index.ts';
import { apiEndpoints } from './control/apis.ts';
import { type Control, createControl } from './control/control.ts';
import { definitionFiles } from './control/definition-files.ts';
import { keyEndpoints } from './control/keys/index.ts';
import {
  type Api,
  type LoadedDefinitions,
  loadDefinitions,
  refusalLines,
  withBundleHooks,
  withFolderHooks,
} from './definitions/index.ts';
import type { Dispatcher } from './dispatch/index.ts';
import { type ApiParts, createGateway, type Gateway, type GatewayParts } from './gateway.ts';
import { watchFolder } from './reload/folder-watch.ts';
import { type Notices, openNotices } from './reload/notices.ts';
import type { ReplyOptions } from './replies.ts';
import type { GatewayState } from './state.ts';
import { createUpstream } from './upstream/index.ts';

/** What a gateway is opened with; it closes none of it. */
export interface OpenGatewayOptions {
  readonly configuration: Configuration;
  readonly dispatcher: Dispatcher;
  readonly state: GatewayState;
  readonly observe: (api: Api) => ApiObserver;
  /** The exposition of the metrics. */
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;
  readonly version: string;
}

/** Load all APIs, then listen. @throws when an address cannot be listened on. */
export async function openGateway(options: OpenGatewayOptions): Promise<Gateway> {
  const { configuration, dispatcher, state, log } = options;
  const { limits, upstream: defaults } = configuration;
  const upstream = createUpstream({
    connectTimeoutMs: defaults.connectTimeoutMs,
    connections: defaults.maxConnectionsPerHost,
    drainTimeoutMs: limits.drainTimeoutMs,
  });
  let notices: Notices | undefined;
  const gateway = await createGateway({
    configuration,
    dispatcher,
    upstream,
    loadApis: apiLoader(options),
    apiParts: apiParts(options, upstream),
    replies: repliesOf(configuration),
    notLoaded: notLoaded(configuration),
    bundleHooks: bundleHooks(options),
    bundleFailureUnroutes: configuration.compatibility.tykConf,
    control: (opened) => controlOf(options, opened, async () => notices?.publishReload()),
    log,
  });
  const reload = (): void => void gateway.reload().catch(() => {});
  notices = openNotices(state.messages, reload);
  const { folder, watch } = configuration.definitions;
  const watched = watch
    ? watchFolder(folder, reload, (error) => log('warn', `the folder of definitions is not watched: ${error.message}`))
    : undefined;
  log('info', 'gateway ready', { addresses: gateway.addresses, control: gateway.controlAddress });
  return {
    get addresses() {
      return gateway.addresses;
    },
    get controlAddress() {
      return gateway.controlAddress;
    },
    get world() {
      return gateway.world;
    },
    get draining() {
      return gateway.draining;
    },
    get problems() {
      return gateway.problems;
    },
    reload: () => gateway.reload(),
    close: async () => {
      notices?.close();
      watched?.close();
      await gateway.close();
      await dispatcher.close();
      await upstream.close();
      await state.close();
    },
  };
}

function apiLoader({ configuration, state, log }: OpenGatewayOptions): GatewayParts['loadApis'] {
  // The same object each time: files that have not changed are then not read again.
  const options = definitionOptions(configuration);
  const scripts = scriptFolder(configuration);
  let last: LoadedDefinitions | undefined;
  return async () => {
    for (const problem of await state.sessions.policies.load()) log('warn', problem);
    last = await loadDefinitions(configuration.definitions.folder, options, last);
    for (const warning of last.warnings) log('warn', warning);
    for (const key of last.unknownKeys) log('debug', `unknown key in a definition: ${key}`);
    const problems = last.refusals.map((refusal) => ({
      source: refusal.source,
      api: refusal.id,
      message: refusalLines(refusal).join('\n'),
      // What cannot be read at all has no place of its own (recorded).
      place: refusal.kind === 'unreadable' ? undefined : { path: refusal.listenPath, domain: refusal.domain },
    }));
    const folders = foldersIn(scripts);
    const apis = last.apis.map((api) => (folders.has(api.id) ? withFolderHooks(api, scripts, options) : api));
    return { apis, problems };
  };
}

/** Looking once spares thousands of APIs a look each. */
function foldersIn(folder: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder));
  } catch {
    return new Set();
  }
}

/** Where scripts that are hooks by their folder lie. The original's folder of middleware is the one that bundles are in. */
function scriptFolder({ compatibility, bundles, plugins }: Configuration): string {
  return compatibility.tykConf ? dirname(bundles.folder) : (plugins.folders[0] ?? '.');
}

function bundleHooks({ configuration, log }: OpenGatewayOptions): GatewayParts['bundleHooks'] {
  const options = definitionOptions(configuration);
  const scripts = scriptFolder(configuration);
  return (definition, customMiddleware) => {
    const { api, refusal, warnings } = withBundleHooks(definition, customMiddleware, options);
    for (const warning of warnings) log('warn', warning);
    if (refusal !== undefined) return { api, problem: refusalLines(refusal).join('\n') };
    const unbundled = { ...api, plugins: { ...api.plugins, bundle: '' } };
    if (withFolderHooks(unbundled, scripts, options) === unbundled) return { api };
    const problem = `its bundle would leave out the scripts in ${join(scripts, api.id)}: give it the one or the other`;
    return { api, problem };
  };
}

function apiParts(
  { configuration, dispatcher, state, observe }: OpenGatewayOptions,
  upstream: GatewayParts['upstream'],
): (api: Api) => ApiParts {
  const { limits, errors, keys } = configuration;
  return (api) => ({
    dispatcher,
    upstream,
    contract: configuration.contract,
    replies: repliesOf(configuration),
    preciseErrors: errors.precise,
    errorMessages: errors.messages,
    maxBodyBytes: Number.isFinite(limits.maxBodyBytes) ? limits.maxBodyBytes : 0,
    forwardedFor: configuration.routing.forwardedFor,
    upstreamTimeoutMs: configuration.upstream.timeoutMs,
    observer: observe(api),
    recorder: state.analytics?.forApi(api),
    sessions: state.sessions,
    keyHashFunction: keys.hashFunction,
    notLoaded: notLoaded(configuration),
    driverProblem: driverProblem(api, configuration),
  });
}

/** How an API answers that could not be loaded. */
function notLoaded({ compatibility }: Configuration): FixedError {
  if (compatibility.tykConf) return { status: 500, message: 'Middleware error' };
  return { status: 503, message: 'This API is not loaded; the log of the gateway says why' };
}

function repliesOf({ errors, listeners }: Configuration): ReplyOptions {
  return { hideGenerator: errors.hideGenerator, closeConnections: !listeners.some((listener) => listener.keepAlive) };
}

/** Drivers whose hooks run in what a tyk.conf calls the coprocess. */
const coprocessDrivers = new Set(['grpc', 'python', 'lua']);

/** Why no hook of an API can run, whatever is installed: then its requests are refused. */
function driverProblem(api: Api, { compatibility }: Configuration): FixedError | undefined {
  if (api.plugins.unknownDriver !== undefined) return { status: 500, message: 'Internal Server Error' };
  const uses = (test: (driver: string) => boolean): boolean => api.plugins.hooks.some((hook) => test(hook.driver));
  if (compatibility.defaultServerProblem !== undefined && uses((driver) => driver === 'grpc')) {
    return { status: 500, message: 'Internal Server Error' };
  }
  const coprocessOff = !compatibility.coprocessEnabled && uses((driver) => coprocessDrivers.has(driver));
  const scriptsOff = !compatibility.jsvmEnabled && uses((driver) => driver === 'otto' || driver === 'javascript');
  return coprocessOff || scriptsOff ? { status: 500, message: 'Middleware error' } : undefined;
}

function controlOf(
  { configuration, dispatcher, state, metrics, version }: OpenGatewayOptions,
  gateway: Gateway,
  reloadGroup: () => Promise<void>,
): Control {
  const { control, metrics: published, compatibility, definitions } = configuration;
  const problems = (): readonly string[] => [
    ...(dispatcher.available ? [] : ['no coprocess can be reached']),
    ...(state.sessions.available ? [] : ['the store does not answer']),
  ];
  return createControl(gateway, {
    secret: control.secret,
    healthPath: control.healthPath,
    readyPath: control.readyPath,
    metricsPath: published.enabled ? published.path : undefined,
    metrics: async () => ({ status: 200, body: await metrics.text(), contentType: metrics.contentType }),
    problems,
    reloadGroup,
    version,
    description: compatibility.tykConf ? 'Tyk GW' : 'Interpose gateway',
    endpoints: apiEndpoints(gateway, definitionFiles(definitions.folder)),
    more: keyEndpoints(state.sessions, {
      api: (id) => gateway.world.byId.get(id)?.api,
      tell: (event, meta, apiIds) => {
        const { byId } = gateway.world;
        for (const id of apiIds ?? byId.keys()) byId.get(id)?.events?.fireOfKey(event, meta);
      },
    }),
  });
}
