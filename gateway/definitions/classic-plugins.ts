import type { HookType } from '../../contract/plugin-set.ts';
import type { ApiHook, PluginRule } from './api.ts';
import type { VirtualRule } from './api-version.ts';
import type { Fields } from './fields.ts';
import { readHookExtension } from './hook-extension.ts';
import type { DefinitionOptions } from './options.ts';

/** A hook without its place in the set. */
export type NewHook = Omit<ApiHook, 'index'>;

const lists = ['pre', 'post_key_auth', 'post', 'response'];

/** Which of a definition's hooks can run at all. */
export interface HookUse {
  readonly keyless: boolean;
  readonly customAuth: boolean;
  /** The hooks come from a bundle: its manifest stands in place of the whole section (spec/platform-contract §3.6). */
  readonly bundled: boolean;
}

/** What an entry says of its hook. */
interface Wanted {
  readonly type: HookType;
  readonly name: string;
  readonly path: string;
  readonly code: string;
  /** A path that ends in `.so` is a Go plugin, whatever the driver. */
  readonly mayBeGo: boolean;
}

/** Reads the hooks of an API: those of `custom_middleware`, and one by one those of endpoints. */
export class HookReader {
  private readonly options: DefinitionOptions;
  private readonly driver: string;
  private readonly middleware: Fields;
  private readonly endpointHooks: ApiHook[] = [];
  private readonly hooks: ApiHook[] = [];
  private count: number;
  private unknownDriver: string | undefined;

  /**
   * @param middleware `custom_middleware` of the definition, or of a bundle's manifest.
   * @param firstIndex places in the set that are taken already.
   */
  constructor(middleware: Fields, options: DefinitionOptions, firstIndex = 0) {
    this.count = firstIndex;
    this.options = options;
    this.middleware = middleware;
    this.driver = middleware.string('driver');
  }

  /** The hooks of `custom_middleware`, phase by phase. */
  readAll(use: HookUse): void {
    const { middleware } = this;
    if (use.bundled) {
      if (lists.some((name) => middleware.objects(name).length > 0)) {
        middleware.report.warn(middleware.path, 'its hooks do not count: those of the bundle stand in their place');
      }
      return;
    }
    this.readList('pre', 'pre');
    const authCheck = middleware.object('auth_check');
    if (!use.keyless && use.customAuth) this.addNamed(authCheck, 'auth');
    else if (authCheck.string('name') !== '' && !authCheck.boolean('disabled') && !use.keyless) {
      middleware.report.warn(authCheck.path, 'never runs: set custom_plugin_auth_enabled to true to let it decide');
    }
    if (!use.keyless) this.readList('post_key_auth', 'postKeyAuth');
    this.readList('post', 'post');
    this.readList('response', 'response');
  }

  /** A hook of one endpoint; undefined when it cannot run. */
  readEndpointHook(entry: Fields, name: string, path: string): ApiHook | undefined {
    const hook = this.toHook(entry, { type: 'post', name, path, code: '', mayBeGo: true });
    if (hook === undefined) return undefined;
    const numbered = this.numbered(hook);
    this.endpointHooks.push(numbered);
    return numbered;
  }

  /** The hooks read so far that are the API's own, and the driver that they ask for in vain. */
  get own(): Pick<PluginRule, 'driver' | 'unknownDriver' | 'hooks'> {
    const { driver, unknownDriver, hooks } = this;
    return { driver, ...(unknownDriver === undefined ? {} : { unknownDriver }), hooks };
  }

  /** The function of a virtual endpoint. It is a script of the first generation, whatever the driver of the API. */
  addVirtualHook({ functionName, script, requireSession }: Omit<VirtualRule, 'hook'>): ApiHook {
    const { options } = this;
    const hook = this.numbered({
      type: 'virtual',
      driver: 'otto',
      name: functionName,
      path: 'path' in script ? script.path : '',
      ...('code' in script ? { code: Buffer.from(script.code).toString('base64') } : {}),
      rawBodyOnly: false,
      requireSession,
      timeoutMs: options.driverTimeoutMs.otto ?? options.hookTimeoutMs,
      onError: 'reject',
    });
    this.endpointHooks.push(hook);
    return hook;
  }

  rule(rest: Omit<PluginRule, 'driver' | 'unknownDriver' | 'hooks' | 'endpointHooks'>): PluginRule {
    return {
      ...this.own,
      endpointHooks: this.endpointHooks,
      ...rest,
    };
  }

  get authHook(): ApiHook | undefined {
    return this.hooks.find((hook) => hook.type === 'auth');
  }

  private readList(name: string, type: HookType): void {
    for (const entry of this.middleware.objects(name)) {
      if (entry.boolean('disabled')) continue;
      if (entry.string('name') === '') {
        entry.report.invalid(entry.at('name'), 'is missing', 'name the function, export or hook that shall run');
        continue;
      }
      this.add(entry, type);
    }
  }

  private addNamed(entry: Fields, type: HookType): void {
    if (!entry.boolean('disabled') && entry.string('name') !== '') this.add(entry, type);
  }

  private add(entry: Fields, type: HookType): void {
    const hook = this.toHook(entry, {
      type,
      name: entry.string('name'),
      path: entry.string('path'),
      code: entry.string('code'),
      mayBeGo: type === 'response',
    });
    if (hook !== undefined) this.hooks.push(this.numbered(hook));
  }

  private toHook(entry: Fields, { type, name, path, code, mayBeGo }: Wanted): NewHook | undefined {
    const { options } = this;
    const { driver: own, timeoutMs, onError, ...rest } = readHookExtension(entry, options);
    const driver = this.driverOf(entry, path, mayBeGo, own);
    if (driver === undefined) return undefined;
    if (rest.server !== undefined && driver !== 'grpc') {
      const cure = 'take it out, or write "driver": "grpc"';
      entry.report.invalid(`${entry.at('interpose')}.server`, `means nothing to the driver "${driver}"`, cure);
    }
    if (rest.environment !== undefined && driver !== 'python') {
      const cure = 'take it out, or write "driver": "python"';
      entry.report.invalid(`${entry.at('interpose')}.environment`, `means nothing to the driver "${driver}"`, cure);
    }
    if (type === 'auth' && onError === 'continue' && !options.authMayContinue) {
      entry.report.invalid(
        `${entry.at('interpose')}.onError`,
        'would let callers in when the auth hook fails',
        'write "reject", or set plugins.authMayContinue in the configuration as well',
      );
    }
    return {
      type,
      driver,
      name,
      path,
      ...(code === '' ? {} : { code }),
      rawBodyOnly: entry.boolean('raw_body_only'),
      requireSession: entry.boolean('require_session'),
      timeoutMs: timeoutMs ?? options.driverTimeoutMs[driver] ?? options.hookTimeoutMs,
      onError: onError ?? 'reject',
      ...rest,
    };
  }

  /** The driver of a hook; undefined when it is a feature that the operator does without. */
  private driverOf(entry: Fields, path: string, mayBeGo: boolean, own: string | undefined): string | undefined {
    const compiled = path.endsWith('.so') && (mayBeGo || this.driver === '');
    const driver = own ?? (compiled ? 'goplugin' : this.driver);
    if (driver === 'goplugin') {
      const at = own === undefined && !compiled ? this.middleware.at('driver') : entry.path;
      const cure = 'rewrite the hook for the driver typescript, python or grpc';
      entry.report.feature(at, 'goplugin', 'asks for a compiled Go plugin', cure);
      return undefined;
    }
    if (!this.options.drivers.includes(driver)) this.unknownDriver ??= driver;
    return driver;
  }

  /** Hooks without a driver are never installed, and so have no place in the set. */
  private numbered(hook: NewHook): ApiHook {
    const index = this.options.drivers.includes(hook.driver) ? this.count++ : -1;
    return { index, ...hook };
  }
}

/** Names in a `custom_middleware_bundle` text. */
export function bundleNames(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
