import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BundleVerdict } from '../contract/bundle-news.ts';
import { isLoaded } from '../contract/plugin-set.ts';
import { BundleOffers } from './bundle-offers.ts';
import type { ApiObserver } from './chain/observer.ts';
import type { FixedError } from './chain/request-steps.ts';
import type { ServedApi, ServedApiParts } from './chain/served-api.ts';
import { cleanedTarget } from './clean-path.ts';
import type { Configuration } from './configuration/index.ts';
import type { Control } from './control/control.ts';
import type { Api } from './definitions/api.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import { type ClientRequest, type ClientResponse, Exchange } from './exchange.ts';
import { type Listener, openListener } from './listener/index.ts';
import { hostOf } from './object/client-request.ts';
import { coalesced } from './reload/coalesced.ts';
import { type ReplyOptions, sendError, sendRedirect, sendText } from './replies.ts';
import type { Upstream } from './upstream/upstream.ts';
import { type BuiltWorld, buildWorld, type LoadProblem, type World } from './world.ts';

export type ApiParts = Omit<ServedApiParts, 'resolve' | 'events' | 'installed'>;

/** What a gateway is made of. It closes none of it. */
export interface GatewayParts {
  readonly configuration: Configuration;
  readonly dispatcher: Dispatcher;
  readonly upstream: Upstream;
  /** Read the definitions, all of them. */
  readonly loadApis: () => Promise<{ readonly apis: readonly Api[]; readonly problems: readonly LoadProblem[] }>;
  /** Give an API the hooks of its bundle's manifest; `problem` says why it cannot have them. */
  readonly bundleHooks: (
    definition: Api,
    customMiddleware: Readonly<Record<string, unknown>>,
  ) => { readonly api: Api; readonly problem?: string };
  /** An API whose bundle cannot be loaded is not routed at all, instead of answering with an error. */
  readonly bundleFailureUnroutes: boolean;
  /** What the chain of one API uses. */
  readonly apiParts: (api: Api) => ApiParts;
  readonly replies: ReplyOptions;
  /** How APIs answer that could not be loaded. */
  readonly notLoaded: FixedError;
  /** Build the control API; it is asked before the APIs where both share a listener. */
  readonly control: (gateway: Gateway) => Control;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;
}

export interface Gateway {
  /** Addresses of the listeners, in the configuration's order; known once it is open. */
  readonly addresses: readonly string[];
  readonly controlAddress: string | undefined;
  readonly world: World;
  /** Read the definitions again and swap them in; requests in flight end on what they began with. */
  reload(): Promise<World>;
  /** Why APIs did not load, or why the last reload came to nothing. */
  readonly problems: readonly LoadProblem[];
  /** Not accepting any more: readiness says no. */
  readonly draining: boolean;
  close(): Promise<void>;
}

/** Pause before what could not be installed for want of a coprocess is tried again. */
const retryMs = 1000;

/** Tells the client of a recorded request which trace it is. */
const traceIdHeader = 'X-Tyk-Trace-Id';

/** Load all APIs, then open the listeners. @throws when an address cannot be listened on. */
export async function createGateway(parts: GatewayParts): Promise<Gateway> {
  const { configuration } = parts;
  const { limits } = configuration;
  const { bundles } = parts.dispatcher;
  const offers = new BundleOffers();
  let definitions = await parts.loadApis();
  let definitionsAsked = false;
  let world = (await load(undefined, false)).world;
  let draining = false;
  let failedReload: LoadProblem | undefined;
  let retry: NodeJS.Timeout | undefined;
  const swapSoon = coalesced(swap);
  const listeners: Listener[] = [];
  let controlListener: Listener | undefined;

  const gateway: Gateway = {
    get addresses() {
      return listeners.map((listener) => listener.address);
    },
    get controlAddress() {
      return controlListener?.address;
    },
    get world() {
      return world;
    },
    get draining() {
      return draining;
    },
    get problems() {
      const stale = Array.from(bundles.problems(), ([bundle, problem]) => staleBundle(world, bundle, problem));
      return [...(failedReload === undefined ? [] : [failedReload]), ...world.problems, ...stale];
    },
    reload,
    async close() {
      draining = true;
      clearTimeout(retry);
      if (limits.drainDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, limits.drainDelayMs));
      await Promise.all(
        [...listeners, ...(controlListener ? [controlListener] : [])].map((listener) =>
          listener.close(limits.drainTimeoutMs),
        ),
      );
    },
  };
  const control = parts.control(gateway);
  const shared = configuration.control.enabled && configuration.control.address === undefined;

  /** @param offersOnly all but new revisions of bundles stays as it was */
  async function load(old: World | undefined, offersOnly: boolean): Promise<BuiltWorld> {
    const { apis, problems } = definitions;
    const plan = { apis, refused: problems, offers: offers.take(), offersOnly };
    const built = await buildWorld(plan, old, { ...parts, resolve: (name) => world.find(name) });
    for (const offer of built.untried) offers.put(offer);
    const told = offersOnly ? new Set(old?.problems.map(({ message }) => message)) : undefined;
    for (const { message, api } of built.world.problems) {
      if (told?.has(message) !== true) parts.log('error', message, api === undefined ? {} : { api });
    }
    if (!offersOnly) {
      parts.log('info', 'API reload complete', { apis: built.world.byId.size, refused: built.world.problems.length });
    }
    return built;
  }

  function reload(): Promise<World> {
    definitionsAsked = true;
    return swapSoon();
  }

  async function swap(): Promise<World> {
    const old = world;
    const offersOnly = !definitionsAsked;
    definitionsAsked = false;
    let verdicts: readonly BundleVerdict[];
    try {
      if (!offersOnly) definitions = await parts.loadApis();
      const built = await load(old, offersOnly);
      ({ world, verdicts } = built);
      if (!offersOnly) failedReload = undefined;
    } catch (error) {
      const message = `the reload failed, and all stays as it was: ${(error as Error).message}`;
      failedReload = { source: configuration.definitions.folder, message };
      parts.log('error', message);
      if (!offers.isEmpty) void swapSoon().catch(() => {});
      throw error;
    }
    retire(old, world, parts.dispatcher);
    for (const verdict of verdicts) bundles.judge(verdict);
    useBundles();
    tryAgain();
    return world;
  }

  function useBundles(): void {
    const all = [...definitions.apis, ...Array.from(world.origins.values(), ({ definition }) => definition)];
    bundles.use(new Set(all.flatMap(({ plugins }) => (plugins.bundle === '' ? [] : [plugins.bundle]))));
  }

  /** Coprocesses that were not there may come. */
  function tryAgain(): void {
    clearTimeout(retry);
    if (draining || (!world.incomplete && offers.isEmpty)) return;
    const again = world.incomplete ? reload : swapSoon;
    retry = setTimeout(() => void again().catch(() => {}), retryMs).unref();
  }

  function handle(request: ClientRequest, response: ClientResponse): void {
    const target = request.url ?? '/';
    const query = target.indexOf('?');
    const path = pathOf(query < 0 ? target : target.slice(0, query));
    if (path.includes('%') && badEscape.test(path)) return sendText(response, 400, 'Bad Request');
    if (shared && control.handle(request, response, path)) return;
    if (!configuration.routing.skipUrlCleaning) {
      const cleaned = cleanedTarget(path, query < 0 ? '' : target.slice(query));
      if (cleaned !== undefined) return sendRedirect(response, 301, cleaned);
    }
    const served = world.router.find(hostOf(request), path);
    if (served === undefined) return sendText(response, 404, 'Not Found');
    if ('refused' in served) return refuseApi(request, response);
    void serve(served, request, response);
  }

  async function serve(
    served: ServedApi,
    request: ClientRequest,
    response: ClientResponse,
    upgrade?: Exchange['upgrade'],
  ): Promise<void> {
    const { observer } = served;
    const span = observer.begin(request);
    const exchange = new Exchange(request, response, served.api, limits.requestTimeoutMs, span);
    exchange.upgrade = upgrade;
    if (span !== undefined) {
      exchange.responseHeaders = [[traceIdHeader, span.traceId]];
      // The same for replies, which are no proxied responses.
      response.setHeader(traceIdHeader, span.traceId);
    }
    await served.handle(exchange);
    finish(exchange, observer);
  }

  function refuseApi(request: ClientRequest, response: ClientResponse): void {
    const { status, message } = parts.notLoaded;
    sendError(response, status, message, request.headers['content-type'], parts.replies);
  }

  /** A request for another protocol takes the same way; a reply to it is written by a response of our own on the bare connection. */
  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    const path = pathOf((request.url ?? '/').split('?', 1)[0] as string);
    const served = configuration.routing.webSockets ? world.router.find(hostOf(request), path) : undefined;
    if (served === undefined || 'refused' in served) return sendText(response, 404, 'Not Found');
    void serve(served, request, response, { socket, head });
  }

  tryAgain();
  bundles.onOffer((bundle, revision) => {
    offers.put({ bundle, revision });
    if (!draining) void swapSoon().catch(() => {});
  });
  useBundles();
  for (const listener of configuration.listeners) {
    listeners.push(await openListener({ listener, limits }, { request: handle, upgrade }));
  }
  const { address } = configuration.control;
  if (configuration.control.enabled && address !== undefined) {
    const listener = { address, tls: undefined, http2: true, keepAlive: true };
    const request = (incoming: ClientRequest, response: ClientResponse): void => {
      const path = (incoming.url ?? '/').split('?', 1)[0] as string;
      if (!control.handle(incoming, response, path)) sendText(response, 404, 'Not Found');
    };
    controlListener = await openListener({ listener, limits }, { request, upgrade: (_, socket) => socket.destroy() });
  }
  return gateway;
}

/** A bundle that is behind its server, and who answers for it meanwhile. */
function staleBundle(world: World, bundle: string, problem: string): LoadProblem {
  const served = [...world.byId.values()].filter(({ api }) => api.plugins.bundle === bundle);
  const lastServes = served.some(({ report }) => isLoaded(report));
  return {
    source: `bundle "${bundle}"`,
    message: lastServes ? `${problem}; its last good revision serves` : problem,
    lastServes,
  };
}

/** The one exit of a request: told once, whatever became of it. */
function finish(exchange: Exchange, observer: ApiObserver): void {
  const { response } = exchange;
  // An upgraded connection gets its answer past the response; anyone else without a head went away before there was one.
  const status = response.headersSent ? response.statusCode : exchange.upgrade === undefined ? 0 : 101;
  exchange.span?.end(status);
  observer.finish(exchange, status);
  exchange.recording?.end(exchange, status);
}

/** A path with such an escape is no path: nothing behind us may have to guess what it means. */
const badEscape = /%(?![0-9A-Fa-f]{2})/;

/** The path of a request target, which a client may send as a whole URL. */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  const slash = target.indexOf('/', target.indexOf('://') + 3);
  return slash < 0 ? '/' : target.slice(slash);
}

/** Let go of what the new world does not use, as soon as the last request on it has ended. */
function retire(old: World, current: World, dispatcher: Dispatcher): void {
  for (const [id, served] of old.byId) {
    if (current.byId.get(id) === served || served.installed.length === 0) continue;
    void served.drained().then(() => {
      for (const digest of served.installed) dispatcher.uninstall(digest);
    });
  }
}
