import type { Reply } from '../../contract/answer.ts';
import { canonicalName } from '../../contract/canonical.ts';
import { HeaderList } from '../../contract/header-list.ts';
import { type HookSpec, isLoaded, type SetReport } from '../../contract/plugin-set.ts';
import { parseTarget, type UrlParts } from '../../contract/url.ts';
import type { ApiRecorder } from '../analytics/recording.ts';
import type { Api, TargetBase } from '../definitions/api.ts';
import type { FixedReply } from '../definitions/api-version.ts';
import { firstMatch } from '../definitions/endpoint-path.ts';
import type { Exchange } from '../exchange.ts';
import { send, sendReply } from '../replies.ts';
import { responseRun } from './chain.ts';
import { childVersionStep } from './child-versions.ts';
import { endpointMethod, endpointPaths } from './endpoint-paths.ts';
import type { Events } from './events.ts';
import { ensureBody, ensureState, narrowed, refuse } from './hooks.ts';
import type { ApiObserver } from './observer.ts';
import { answerLocally, type ProxyParts, proxy } from './proxy.ts';
import { asksForRateStatus } from './rate-status.ts';
import { type RequestStepParts, requestSteps, statusSteps } from './request-steps.ts';
import { versionOf } from './steps/request-rules.ts';
import { closingHeaders, responseHeadersStep } from './steps/response-rules.ts';
import { versions } from './versions.ts';

/** One revision of an API, ready to serve. */
export interface ServedApi {
  readonly api: Api;
  readonly report: SetReport;
  readonly observer: ApiObserver;
  /** Its event handlers, if it has some. */
  readonly events: Events | undefined;
  /** Plugin sets that are installed for it, to be let go of once it is drained. */
  readonly installed: readonly string[];
  /** Requests in flight. */
  readonly inFlight: number;
  /** Serve a request to its end. Never rejects. */
  handle(exchange: Exchange): Promise<void>;
  /** Resolves when the last request in flight has ended. */
  drained(): Promise<void>;
}

type OwnParts = 'response' | 'brokenResponseHook' | 'beforeResponseHooks' | 'afterResponseHooks';

export interface ServedApiParts extends Omit<ProxyParts, OwnParts>, RequestStepParts {
  /** Find the API that a `tyk://` URL names. */
  readonly resolve: (name: string) => ServedApi | undefined;
  readonly installed: readonly string[];
  /** Undefined: there are no analytics records of this API. */
  readonly recorder: ApiRecorder | undefined;
}

/** Requests may be sent on by `tyk://` this often, as in the original. */
const defaultMaxLoops = 5;

export function serveApi(api: Api, report: SetReport, parts: ServedApiParts): ServedApi {
  const usable = parts.driverProblem === undefined && isLoaded(report);
  const response = usable ? responseRun(api, report) : undefined;
  const broken = parts.driverProblem && api.plugins.hooks.find((hook) => hook.type === 'response');
  const proxyParts: ProxyParts = {
    ...parts,
    response,
    brokenResponseHook: broken,
    beforeResponseHooks: responseHeadersStep(api),
    afterResponseHooks: closingHeaders,
  };
  const childVersions = childVersionStep(api, parts);
  const ownSteps = requestSteps(api, report, { ...parts, answerOfScript }, (exchange, reply) =>
    mocked(exchange, reply),
  );
  const steps = childVersions === undefined ? ownSteps : [childVersions, ...ownSteps];
  const nextTarget = targetPicker(api);
  const timeoutOf = timeoutPicker(api, parts.upstreamTimeoutMs);
  const passesOptions = api.cors?.optionsPassthrough === true;
  let inFlight = 0;
  let onDrained: (() => void) | undefined;

  const forStatus = statusSteps(api, report, parts);

  async function run(exchange: Exchange): Promise<void> {
    if (forStatus !== undefined && asksForRateStatus(api, exchange)) {
      for (const step of forStatus) if (await step(exchange)) return;
      return;
    }
    if (!(passesOptions && exchange.request.method === 'OPTIONS')) {
      for (const step of steps) {
        const ended = step(exchange);
        if (ended === true || (ended !== false && (await ended))) return;
      }
    }
    await leave(exchange);
  }

  /** Where the chain ends: another API of this gateway, or the upstream. */
  async function leave(exchange: Exchange): Promise<void> {
    const { state } = exchange;
    const url = state === undefined ? parseTarget(exchange.request.url ?? '/') : (state.rewrite ?? state.url);
    if (url.prefix.startsWith('tyk://')) return loop(exchange, url);
    if (narrowed(response, exchange)?.readsBody && !(await ensureBody(exchange, ensureState(exchange), parts))) return;
    await proxy(exchange, url, targetOf(exchange, url), timeoutOf(exchange), proxyParts);
  }

  /** A rewrite may name another host; a hook may not. */
  function targetOf(exchange: Exchange, url: UrlParts): TargetBase {
    if (exchange.state?.rewrite !== undefined && /^https?:/.test(url.prefix)) {
      return { origin: url.prefix, host: url.prefix.slice(url.prefix.indexOf('://') + 3), path: '' };
    }
    return versionTarget(exchange) ?? nextTarget();
  }

  async function loop(exchange: Exchange, url: UrlParts): Promise<void> {
    const name = url.prefix.slice('tyk://'.length);
    const target = name === 'self' ? served : parts.resolve(name);
    if (target === undefined) return refuse(exchange, 500, "Can't detect loop target", parts);
    const state = ensureState(exchange);
    const controls = loopControls(url);
    const maxLoops = controls.maxLoops ?? exchange.maxLoops ?? defaultMaxLoops;
    if (exchange.loops > maxLoops) {
      return refuse(exchange, 500, `Loop level too deep. Found more than ${maxLoops} loops in single request`, parts);
    }
    exchange.loops++;
    exchange.maxLoops = maxLoops;
    exchange.checksLimits = controls.checksLimits;
    // A rewrite's target keeps no host, a hook's URL does (recorded).
    state.url = { ...url, prefix: state.rewrite === undefined ? `http://${name}` : 'http://', query: controls.query };
    state.rewrite = undefined;
    if (state.parkedMethod !== undefined && state.parkedMethod !== '') state.method = state.parkedMethod;
    if (controls.method !== undefined) state.method = controls.method;
    state.parkedMethod = '';
    exchange.api = target.api;
    exchange.version = undefined;
    exchange.versionChosen = false;
    await target.handle(exchange);
  }

  async function mocked(exchange: Exchange, reply: FixedReply): Promise<void> {
    const headers = new HeaderList(reply.headers.flat());
    const answered = { status: reply.status, headers, body: reply.body };
    const edited = await answerLocally(exchange, answered, proxyParts);
    if (edited !== undefined) send(exchange.response, edited.status, headerPairs(edited.headers), edited.body);
  }

  /** The API's response hooks see what scripts answer, unless they answer before all else; a redirect to `tyk://` goes to another API. */
  async function answerOfScript(exchange: Exchange, hook: HookSpec, reply: Reply): Promise<void> {
    const { status, headers, body } = reply;
    const location = headers.find(([name]) => canonicalName(name) === 'Location')?.[1];
    if ((status === 301 || status === 302) && location?.startsWith('tyk://')) {
      ensureState(exchange).rewrite = undefined;
      return loop(exchange, parseTarget(location));
    }
    // Of what a script answers as it is, there is no record (spec/platform-contract §11 Q9).
    if (hook.type !== 'virtual') exchange.recording = undefined;
    const list = new HeaderList();
    for (const [name, value] of headers) list.set(canonicalName(name), value);
    // Response hooks see who answered in place of the upstream, and when, as they do there (recorded).
    if (hook.type === 'virtual') {
      list.set('Server', 'tyk');
      list.set('Date', new Date().toUTCString());
    }
    const answered = { status, headers: list, body };
    if (hook.type === 'pre') {
      closingHeaders(exchange, answered);
      return sendReply(exchange.response, { ...reply, headers: headerPairs(list) });
    }
    const edited = await answerLocally(exchange, answered, proxyParts);
    if (edited !== undefined) {
      // A virtual endpoint that does not ask for the session knows of no quota (recorded).
      if (hook.type === 'virtual' && !hook.requireSession) {
        for (const name of ['Limit', 'Remaining', 'Reset']) edited.headers.set(`X-Ratelimit-${name}`, '0');
      }
      sendReply(exchange.response, { ...edited, headers: headerPairs(edited.headers), template: false });
    }
  }

  const served: ServedApi = {
    api,
    report,
    observer: parts.observer,
    events: parts.events,
    installed: parts.installed,
    get inFlight() {
      return inFlight;
    },
    async handle(exchange) {
      inFlight++;
      // The API where a request ends is the one that its record is of.
      exchange.recording = parts.recorder?.begin(exchange);
      try {
        await run(exchange);
      } catch (error) {
        parts.observer.problem(exchange, 'the request could not be served', error as Error);
        refuse(exchange, 500, 'There was a problem proxying the request', parts);
      } finally {
        if (--inFlight === 0) onDrained?.();
      }
    },
    drained: () => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => (onDrained = resolve))),
  };
  return served;
}

interface LoopControls {
  readonly method: string | undefined;
  readonly maxLoops: number | undefined;
  readonly checksLimits: boolean;
  readonly query: string | undefined;
}

/** Query parameters of a `tyk://` URL that steer the loop; they are taken out. */
function loopControls(url: UrlParts): LoopControls {
  const pairs = (url.query ?? '').split('&').filter((pair) => pair !== '');
  const parameter = (name: string): string | undefined =>
    pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  const rest = pairs.filter((pair) => !/^(method|loop_limit|check_limits)=/.test(pair));
  const limit = Number(parameter('loop_limit'));
  return {
    method: parameter('method'),
    maxLoops: Number.isInteger(limit) && limit > 0 ? limit : undefined,
    checksLimits: parameter('check_limits') === 'true',
    query: rest.length === pairs.length ? url.query : rest.length === 0 ? undefined : rest.join('&'),
  };
}

function headerPairs(headers: HeaderList): (readonly [string, string])[] {
  return Array.from({ length: headers.size }, (_, i) => [headers.nameAt(i), headers.valueAt(i)] as const);
}

function versionTarget(exchange: Exchange): TargetBase | undefined {
  return exchange.version?.target ?? exchange.api.versions.single?.target;
}

function targetPicker(api: Api): () => TargetBase {
  const { bases } = api.target;
  const [only] = bases;
  if (bases.length === 1) return () => only as TargetBase;
  let next = 0;
  return () => bases[next++ % bases.length] as TargetBase;
}

/** Longest wait for the upstream: the endpoint's, the version's, or the gateway's. */
function timeoutPicker(api: Api, defaultMs: number): (exchange: Exchange) => number {
  const some = versions(api).some(
    (version) => Number.isFinite(version.timeoutMs) || version.endpoints.timeouts.length > 0,
  );
  if (!some) return () => defaultMs;
  return (exchange) => {
    const version = versionOf(exchange);
    const rule = firstMatch(version.endpoints.timeouts, endpointMethod(exchange), endpointPaths(exchange));
    return Math.min(defaultMs, rule?.timeoutMs ?? version.timeoutMs);
  };
}
