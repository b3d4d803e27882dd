import { type HookReport, isLoaded, type SetReport } from '../../../contract/plugin-set.ts';
import type { Api, ApiHook, HookCondition } from '../../definitions/api.ts';
import type { Exchange } from '../../exchange.ts';
import { failingCondition, splitAtConditions } from '../conditions.ts';
import { PlannedRules } from './rules.ts';
import { type SampleRequest, sampleExchange } from './sample.ts';

/** What would become of a request. */
export interface Plan {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  /** Absent where no API answers. */
  readonly api?: {
    readonly id: string;
    readonly name: string;
    readonly source: string;
    readonly listenPath: string;
    readonly domain?: string;
    /** False: its plugins did not load, and its requests are refused. */
    readonly loaded: boolean;
  };
  /** Why it is this API, or none. */
  readonly why: string;
  /** In the order in which they would run. */
  readonly steps: readonly PlannedStep[];
}

export interface PlannedStep {
  readonly phase: string;
  /** A hook's name, or a step of the gateway's own. */
  readonly name: string;
  readonly runs: boolean;
  readonly why: string;
  readonly hook?: PlannedHook;
}

export interface PlannedHook {
  readonly driver: string;
  /** Plugin server, for `grpc`. */
  readonly server?: string;
  /** Where its code runs. */
  readonly place: string;
  /** Source file. */
  readonly path?: string;
  /** Longest run. */
  readonly timeoutMs: number;
  readonly onError: 'reject' | 'continue';
  readonly body: 'buffered' | 'none' | 'not known before its plugins are loaded';
  /** Hooks with the same number travel in one call. */
  readonly call: number;
  /** Longest wait for that call. */
  readonly callTimeoutMs: number;
}

/** What a plan is made from. */
export interface PlannedApi {
  readonly api: Api;
  /** Undefined: the plugins were not loaded, only the definition was read. */
  readonly report: SetReport | undefined;
}

/** Which API answers on a host and a path. */
export type FindApi = (
  host: string,
  path: string,
) => PlannedApi | { readonly refused: { readonly message: string } } | undefined;

export function planRequest(sample: SampleRequest, find: FindApi): Plan {
  const path = sample.target.split('?', 1)[0] as string;
  const found = find(sample.host, path);
  if (found === undefined)
    return planOfNone(sample, 'no API has a listen path that this one begins with, on this host: 404');
  if ('refused' in found) return planOfNone(sample, `an API that was refused would answer: ${found.refused.message}`);
  const { listen } = found.api;
  const host = listen.domain === undefined ? 'APIs of any host' : `those of the host ${listen.domain}`;
  return planOf(sample, found, `among ${host}, ${listen.path} is the longest listen path that it begins with`);
}

/** The plan of a request that this API answers. */
function planOf(sample: SampleRequest, { api, report }: PlannedApi, why: string): Plan {
  const loaded = report === undefined || isLoaded(report);
  const steps = loaded ? new Planner(sampleExchange(sample, api), report).steps() : [];
  const { id, name, source, listen } = api;
  const where = { listenPath: listen.path, ...(listen.domain === undefined ? {} : { domain: listen.domain }) };
  return {
    method: sample.method,
    target: sample.target,
    host: sample.host,
    api: { id, name, source, ...where, loaded },
    why: loaded ? why : `${why}; its plugins are not loaded, so its requests are refused (health says why)`,
    steps,
  };
}

function planOfNone(sample: SampleRequest, why: string): Plan {
  return { method: sample.method, target: sample.target, host: sample.host, why, steps: [] };
}

class Planner {
  private readonly exchange: Exchange;
  private readonly report: SetReport | undefined;
  private readonly planned: PlannedStep[] = [];
  private calls = 0;
  /** Why no later step runs. */
  private ended: string | undefined;

  constructor(exchange: Exchange, report: SetReport | undefined) {
    this.exchange = exchange;
    this.report = report;
  }

  /** In the order of `requestSteps`, and then of the response. */
  steps(): readonly PlannedStep[] {
    const { api } = this.exchange;
    const rules = new PlannedRules(this.exchange, (phase, name, why, ends) => this.rule(phase, name, why, ends));
    rules.version();
    rules.cors();
    const { hooks } = api.plugins;
    const of = (type: ApiHook['type']): readonly ApiHook[] => hooks.filter((hook) => hook.type === type);
    const joined = api.auth.keyless && !rules.between();
    this.hooks('pre', joined ? [...of('pre'), ...of('post')] : of('pre'));
    rules.refusing();
    this.auth(rules, of('auth'), of('postKeyAuth'));
    rules.apiRate();
    rules.changing();
    this.virtual(rules);
    this.hooks('endpoint', rules.endpointPlugins());
    if (!joined) this.hooks('post', of('post'));
    rules.upstream();
    rules.response();
    this.ended = this.ended === replied ? undefined : this.ended;
    this.hooks('response', of('response'));
    return this.planned;
  }

  private auth(rules: PlannedRules, auth: readonly ApiHook[], postKeyAuth: readonly ApiHook[]): void {
    const { api, ignoresAuth } = this.exchange;
    if (api.auth.keyless) return;
    const before = this.ended;
    if (ignoresAuth) this.ended ??= 'the path is free: nobody is asked for a key';
    this.hooks('auth', auth);
    rules.keyAuth(ignoresAuth);
    this.ended = before;
    this.hooks('post key auth', postKeyAuth);
    rules.limits(ignoresAuth);
  }

  private virtual(rules: PlannedRules): void {
    const rule = rules.virtual();
    if (rule === undefined) return;
    this.hooks('virtual', [rule.hook]);
    this.ended ??= replied;
  }

  private rule(phase: string, name: string, why: string, ends: 'refuses' | 'replies' | undefined): void {
    this.planned.push({ phase, name, runs: this.ended === undefined, why: this.ended ?? why });
    if (ends !== undefined) this.ended ??= ends === 'replies' ? replied : `the step "${name}" has refused the request`;
  }

  private hooks(phase: string, hooks: readonly ApiHook[]): void {
    for (const run of splitAtConditions(hooks)) {
      const running = run.filter((hook) => this.reasonNot(hook) === undefined);
      const callTimeoutMs = running.reduce((sum, hook) => sum + hook.timeoutMs, 0);
      if (running.length > 0) this.calls++;
      for (const hook of run) this.hook(phase === 'pre' ? phaseOf(hook) : phase, hook, callTimeoutMs);
    }
  }

  private hook(phase: string, hook: ApiHook, callTimeoutMs: number): void {
    const { driver, server, path, timeoutMs, onError, name } = hook;
    const not = this.reasonNot(hook);
    this.planned.push({
      phase,
      name,
      runs: not === undefined,
      why: not ?? conditionText(hook.when) ?? `the definition lists it under ${phase}`,
      hook: {
        driver,
        ...(driver === 'grpc' ? { server: server ?? 'default' } : {}),
        place: placeOf(hook),
        ...(path === '' ? {} : { path }),
        timeoutMs,
        onError,
        body: bodyOf(hook, this.report?.hooks[hook.index], this.report === undefined),
        call: not === undefined ? this.calls : 0,
        callTimeoutMs: not === undefined ? callTimeoutMs : 0,
      },
    });
  }

  private reasonNot({ when, index }: ApiHook): string | undefined {
    if (this.ended !== undefined) return this.ended;
    if (index < 0) return 'its driver is unknown, so the request is refused';
    // A share is no property of this request.
    const { percent: _, ...asked } = when ?? {};
    const failing = failingCondition(asked, this.exchange);
    return failing === undefined ? undefined : `its condition "when.${failing}" does not hold`;
  }
}

const replied = 'the request has its answer already';

function phaseOf({ type }: ApiHook): string {
  return type === 'postKeyAuth' ? 'post key auth' : type;
}

function conditionText(when: HookCondition | undefined): string | undefined {
  if (when === undefined) return undefined;
  const share = when.percent === undefined ? '' : `, for ${when.percent} % of the requests`;
  return `its condition holds${share}`;
}

function placeOf({ driver, server, isolation, instances, environment }: ApiHook): string {
  if (driver === 'grpc') return `plugin server "${server ?? 'default'}"`;
  if (isolation === 'none') return 'inside the coprocess';
  if (driver === 'otto' || driver === 'javascript') return 'an isolate in a guest that plugin sets share';
  const where = environment === undefined ? '' : ` in environment "${environment}"`;
  return instances === undefined
    ? `a guest of the API's own${where}`
    : `one of ${instances} guests of the API's own${where}`;
}

function bodyOf(hook: ApiHook, report: HookReport | undefined, unknown: boolean): PlannedHook['body'] {
  if (hook.type !== 'response' && hook.body !== undefined) return hook.body;
  if (report?.ready === true) return report.body;
  return unknown ? 'not known before its plugins are loaded' : 'buffered';
}
