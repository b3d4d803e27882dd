import type { AccessRule, EndpointRule, EndpointRules, MethodRule, MockRule, TimeoutRule } from './api-version.ts';
import type { HookReader } from './classic-plugins.ts';
import { readMockReply, readReplyAction, readVirtual } from './classic-replies.ts';
import { readRewrite } from './classic-rewrites.ts';
import { readHeaderSteps, readRateLimit } from './classic-steps.ts';
import { parseDuration } from './duration.ts';
import { endpointPattern } from './endpoint-path.ts';
import type { Fields } from './fields.ts';
import type { DefinitionOptions } from './options.ts';
import type { Templates } from './templates.ts';

const noRules: EndpointRules = {
  access: [],
  closed: false,
  mocks: [],
  requestHeaders: [],
  responseHeaders: [],
  rewrites: [],
  methods: [],
  bodySizes: [],
  timeouts: [],
  rateLimits: [],
  virtual: [],
  plugins: [],
  tracked: [],
  untracked: [],
};

/** Reads the rules of single endpoints, version by version. */
export class EndpointReader {
  readonly templates: Templates;
  private readonly hooks: HookReader;
  private readonly options: DefinitionOptions;
  /** The rules of a version that says nothing of endpoints. */
  readonly none: EndpointRules;

  /** @param mocks of the OpenAPI document, for all versions. */
  constructor(templates: Templates, hooks: HookReader, options: DefinitionOptions, mocks: readonly MockRule[]) {
    this.templates = templates;
    this.hooks = hooks;
    this.options = options;
    this.none = mocks.length === 0 ? noRules : { ...noRules, mocks };
  }

  read(version: Fields): EndpointRules {
    const ignoreCase = version.boolean('ignore_endpoint_case');
    if (!version.boolean('use_extended_paths')) return this.readPlainPaths(version.object('paths'), ignoreCase);
    const paths = version.object('extended_paths');
    if (Object.keys(paths.json).length === 0) return this.none;
    const rules = <Rule>(list: string, read: (entry: Fields, rule: EndpointRule) => Rule | undefined): Rule[] =>
      this.rules(paths, list, ignoreCase, read);
    return {
      ...this.readAccess(paths, ignoreCase),
      mocks: this.none.mocks,
      requestHeaders: rules('transform_headers', (entry, rule) => this.readHeaders(entry, rule)),
      responseHeaders: rules('transform_response_headers', (entry, rule) => this.readHeaders(entry, rule)),
      rewrites: rules('url_rewrites', (entry, rule) => readRewrite(entry, rule, this.templates)),
      methods: rules('method_transforms', readMethod),
      bodySizes: rules('size_limits', (entry, rule) => ({ ...rule, maxBodyBytes: limit(entry, 'size_limit', 1) })),
      timeouts: rules('hard_timeouts', readTimeout),
      rateLimits: rules('rate_limit', (entry, rule) => {
        const rate = readRateLimit(entry);
        return rate === undefined ? undefined : { ...rule, limit: rate };
      }),
      virtual: rules('virtual', (entry, rule) => {
        const virtual = readVirtual(entry, rule, this.options.virtualBlobs);
        return virtual && { ...virtual, hook: this.hooks.addVirtualHook(virtual) };
      }),
      plugins: rules('go_plugin', (entry, rule) => {
        const name = entry.string('func_name');
        if (name === '') entry.report.invalid(entry.at('func_name'), 'is missing', 'name the function, export or hook');
        const hook = this.hooks.readEndpointHook(entry, name, entry.string('plugin_path'));
        return hook === undefined ? undefined : { ...rule, hook };
      }),
      tracked: rules('track_endpoints', (_, rule) => rule),
      untracked: rules('do_not_track_endpoints', (_, rule) => rule),
    };
  }

  /** Internal paths come first, for being ignored as well must not open them. */
  private readAccess(paths: Fields, ignoreCase: boolean): Pick<EndpointRules, 'access' | 'closed'> {
    const internal = this.rules(paths, 'internal', ignoreCase, (_, rule) => ({ ...rule, action: 'internal' as const }));
    const mocks = this.rules(paths, 'mock_response', ignoreCase, (entry, rule) => ({
      ...rule,
      action: 'reply' as const,
      reply: readMockReply(entry),
    }));
    const list = (name: string, action: 'ignore' | 'block' | 'allow'): readonly AccessRule[] =>
      this.rules(paths, name, ignoreCase, (entry, rule) => readListEntry(entry, rule, action)).flat();
    const allowed = list('white_list', 'allow');
    const access = [...internal, ...mocks, ...list('ignored', 'ignore'), ...list('black_list', 'block'), ...allowed];
    return { access, closed: allowed.length > 0 };
  }

  /** Lists of paths without methods, of versions that do not use extended paths. */
  private readPlainPaths(paths: Fields, ignoreCase: boolean): EndpointRules {
    const list = (name: string, action: 'ignore' | 'block' | 'allow'): AccessRule[] =>
      paths.strings(name).flatMap((path, i) => {
        const pattern = this.pattern(path, ignoreCase, `${paths.at(name)}[${i}]`, paths);
        return pattern === undefined ? [] : [{ path, method: '', pattern, action }];
      });
    const allowed = list('white_list', 'allow');
    const access = [...list('ignored', 'ignore'), ...list('black_list', 'block'), ...allowed];
    return access.length === 0 ? this.none : { ...this.none, access, closed: allowed.length > 0 };
  }

  private readHeaders(entry: Fields, rule: EndpointRule) {
    return { ...rule, headers: readHeaderSteps(entry, 'delete_headers', 'add_headers', this.templates) };
  }

  /** The entries of a list that are not disabled, each read; those that say nothing are left out. */
  private rules<Rule>(
    paths: Fields,
    list: string,
    ignoreCase: boolean,
    read: (entry: Fields, rule: EndpointRule) => Rule | undefined,
  ): Rule[] {
    if (!paths.has(list)) return [];
    return paths.objects(list).flatMap((entry) => {
      if (entry.boolean('disabled')) return [];
      const path = entry.string('path');
      const caseless = ignoreCase || entry.boolean('ignore_case');
      const pattern = this.pattern(path, caseless, entry.at('path'), entry);
      if (pattern === undefined) return [];
      const rule = read(entry, { path, method: entry.string('method').toUpperCase(), pattern });
      return rule === undefined ? [] : [rule];
    });
  }

  private pattern(path: string, ignoreCase: boolean, at: string, fields: Fields): EndpointRule['pattern'] | undefined {
    if (path === '') {
      fields.report.invalid(at, 'is missing', 'write the path of the endpoint, as /orders/{id}');
      return undefined;
    }
    try {
      return endpointPattern(path, this.options.matching, ignoreCase);
    } catch (error) {
      fields.report.invalid(at, (error as Error).message, 'write an RE2 expression');
      return undefined;
    }
  }
}

/** One rule per method of an entry; an entry that names none is for all. */
function readListEntry(entry: Fields, rule: EndpointRule, action: 'ignore' | 'block' | 'allow'): AccessRule[] {
  const actions = entry.objectMap('method_actions');
  if (actions.length === 0) return [{ ...rule, action }];
  return actions.map(([method, fields]) => {
    const forMethod = { ...rule, method: method.toUpperCase() };
    return fields.string('action') === 'reply'
      ? { ...forMethod, action: 'reply', reply: readReplyAction(fields) }
      : { ...forMethod, action };
  });
}

function readMethod(entry: Fields, rule: EndpointRule): MethodRule {
  const to = entry.string('to_method').toUpperCase();
  if (!/^[A-Z][A-Z-]*$/.test(to)) {
    entry.report.invalid(entry.at('to_method'), `is no method: "${to}"`, 'write one, as POST');
  }
  return { ...rule, to };
}

function readTimeout(entry: Fields, rule: EndpointRule): TimeoutRule {
  const text = entry.string('duration');
  const duration = text === '' ? 0 : parseDuration(text);
  if (duration === undefined) {
    entry.report.invalid(entry.at('duration'), `is no duration: "${text}"`, 'write one, as 500ms');
  }
  return { ...rule, timeoutMs: duration || limit(entry, 'timeout', 1000) };
}

/** A limit in some unit; 0 is none. */
function limit(entry: Fields, name: string, unit: number): number {
  const value = entry.integer(name);
  if (value < 0) entry.report.invalid(entry.at(name), `must not be negative, got ${value}`, 'write 0 for no limit');
  return value > 0 ? value * unit : Number.POSITIVE_INFINITY;
}
