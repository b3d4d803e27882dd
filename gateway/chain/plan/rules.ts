import { unescapeBytes } from '../../../contract/url.ts';
import type { ApiHook } from '../../definitions/api.ts';
import type { ApiVersion, EndpointRule, EndpointRules, VirtualRule } from '../../definitions/api-version.ts';
import { firstMatch, matches } from '../../definitions/endpoint-path.ts';
import type { Exchange } from '../../exchange.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { ensureState } from '../hooks.ts';
import { chosenVersion } from '../steps/version.ts';

type Say = (phase: string, name: string, why: string, ends?: 'refuses' | 'replies') => void;

/** What the gateway's own steps would do with a request. Those that have nothing to do are not told of. */
export class PlannedRules {
  private readonly exchange: Exchange;
  private readonly say: Say;
  private readonly method: string;
  private readonly paths: readonly string[];
  private rules: EndpointRules | undefined;

  constructor(exchange: Exchange, say: Say) {
    this.exchange = exchange;
    this.say = say;
    this.method = endpointMethod(exchange);
    this.paths = endpointPaths(exchange);
  }

  version(): void {
    const { exchange } = this;
    const { versions } = exchange.api;
    if (versions.children !== undefined) {
      const names = [...versions.children.apiIds].map(([name, id]) => `${name}: ${id}`).join(', ');
      this.say('version', 'versions', `a version may be another API (${names}); this is the plan of this one`);
    }
    const version = versions.single ?? chosenVersion(exchange.api, versions, exchange);
    if (typeof version === 'string') return this.say('version', 'versions', version, 'refuses');
    if (versions.single === undefined) this.say('version', 'versions', `the request is for "${version.name}"`);
    exchange.version = version;
    this.rules = version.endpoints;
    const { access, closed } = version.endpoints;
    const rule = firstMatch(
      access.filter(({ action }) => action !== 'internal' || exchange.loops === 0),
      this.method,
      this.paths,
    );
    if (rule === undefined) {
      if (closed) this.say('version', 'allow list', 'the path is not in it', 'refuses');
    } else if (rule.action === 'block' || rule.action === 'internal') {
      this.say('version', `${rule.action} list`, ruleText(rule), 'refuses');
    } else if (rule.action === 'reply') this.say('version', 'reply', ruleText(rule), 'replies');
    else {
      exchange.ignoresAuth = rule.action === 'ignore';
      this.say('version', rule.action === 'ignore' ? 'ignored path' : 'allow list', ruleText(rule));
    }
  }

  cors(): void {
    const { cors } = this.exchange.api;
    if (cors === undefined) return;
    const answers = this.method === 'OPTIONS' && !cors.optionsPassthrough;
    this.say(
      'cors',
      'CORS',
      answers ? 'it answers every OPTIONS request' : 'it adds headers',
      answers ? 'replies' : undefined,
    );
  }

  /** Whether anything of the gateway's own stands between pre and post hooks. */
  between(): boolean {
    const { api } = this.exchange;
    const kinds = [
      'bodySizes',
      'requestHeaders',
      'rewrites',
      'methods',
      'mocks',
      'virtual',
      'plugins',
      'rateLimits',
    ] as const;
    const has = (version: ApiVersion): boolean =>
      kinds.some((kind) => version.endpoints[kind].length > 0) ||
      Number.isFinite(version.maxBodyBytes) ||
      version.requestHeaders.set.length + version.requestHeaders.delete.length > 0 ||
      ((version.endpoints.access.length > 0 || version.endpoints.closed) &&
        api.plugins.hooks.some(({ type }) => type === 'pre'));
    return (
      [...api.versions.byName.values()].some(has) ||
      api.limits.api !== undefined ||
      (api.ipAccess.allow ?? api.ipAccess.deny) !== undefined
    );
  }

  refusing(): void {
    const { allow, deny } = this.exchange.api.ipAccess;
    if ((allow ?? deny) !== undefined) this.say('checks', 'IP lists', 'the address of the client is checked');
    const size = this.first('bodySizes');
    const most = Math.min(
      size?.maxBodyBytes ?? Number.POSITIVE_INFINITY,
      this.exchange.version?.maxBodyBytes ?? Number.POSITIVE_INFINITY,
    );
    if (Number.isFinite(most)) this.say('checks', 'body size', `at most ${most} bytes`);
  }

  keyAuth(isFree: boolean): void {
    const { auth } = this.exchange.api;
    if (auth.token)
      this.say('auth', 'key', isFree ? 'the path is free: no key is asked for' : 'the definition asks for keys');
  }

  limits(isFree: boolean): void {
    if (isFree) return;
    this.say('limits', 'expiry, access rights, rate, quota', "the caller's session says what it may do");
  }

  apiRate(): void {
    const { limits } = this.exchange.api;
    const rule = this.first('rateLimits');
    const limit = rule?.limit ?? (limits.skipRateLimit ? undefined : limits.api);
    if (limit === undefined) return;
    const of = rule === undefined ? 'of the API' : `of the endpoint (${ruleText(rule)})`;
    this.say('limits', 'rate limit', `${limit.count} requests in ${limit.seconds} s, ${of}`);
  }

  changing(): void {
    const global = this.exchange.version?.requestHeaders;
    const headers = this.first('requestHeaders');
    if (headers !== undefined) this.say('changes', 'request headers', ruleText(headers));
    else if (global !== undefined && global.set.length + global.delete.length > 0) {
      this.say('changes', 'request headers', 'of all paths of the version');
    }
    const rewrite = this.first('rewrites');
    if (rewrite !== undefined)
      this.say('changes', 'URL rewrite', `${ruleText(rewrite)}, if ${rewrite.match.source} matches`);
    const method = this.first('methods');
    if (method !== undefined) this.say('changes', 'method', `${ruleText(method)}: it becomes ${method.to}`);
    const mock = this.first('mocks');
    if (mock !== undefined) this.say('reply', 'mock', `${ruleText(mock)}: it answers ${mock.reply.status}`, 'replies');
  }

  virtual(): VirtualRule | undefined {
    return this.first('virtual');
  }

  endpointPlugins(): readonly ApiHook[] {
    const plugins = this.rules?.plugins ?? [];
    return plugins.filter((plugin) => matches(plugin, this.method, this.paths)).map(({ hook }) => hook);
  }

  upstream(): void {
    const { api, version } = this.exchange;
    const { url } = ensureState(this.exchange);
    const bases = version?.target === undefined ? api.target.bases : [version.target];
    const targets = [...new Set(bases.map(({ origin, path }) => origin + path))].join(', ');
    const strips = api.listen.strip ? ', without the listen path' : '';
    const timeout = this.first('timeouts')?.timeoutMs ?? version?.timeoutMs ?? Number.POSITIVE_INFINITY;
    const limit = Number.isFinite(timeout) ? `; at most ${timeout} ms` : '';
    this.say('upstream', targets, `${unescapeBytes(url.path)}${strips}${limit}`);
  }

  response(): void {
    const { api, version } = this.exchange;
    const rule = this.first('responseHeaders');
    const global = version?.responseHeaders;
    const some = global !== undefined && global.set.length + global.delete.length > 0;
    if (rule !== undefined) this.say('response', 'response headers', ruleText(rule));
    else if (some || api.responseProcessors.length > 0) this.say('response', 'response headers', 'of all paths');
  }

  private first<Kind extends keyof EndpointRules>(
    kind: Kind,
  ): (EndpointRules[Kind] extends readonly (infer Rule)[] ? Rule : never) | undefined {
    const rules = (this.rules?.[kind] ?? []) as readonly EndpointRule[];
    return firstMatch(rules, this.method, this.paths) as never;
  }
}

function ruleText({ method, path }: EndpointRule): string {
  return `the rule for ${method === '' ? 'any method' : method} ${path} fits`;
}
