import { definition as classicDefinition } from '../../gateway/with-gateway.ts';
import type { BundleSpec } from '../peers/bundle.ts';
import { merge } from '../suite.ts';
import { type ApiSpec, apiId, type HookEntry, hooksOf, type PhaseName, type Subject } from './case.ts';
import { hasHook, type Language, pluginFile, pluginFiles } from './language.ts';

/** What a gateway is given: definitions by file name, and the bundles that they name. */
export interface Served {
  readonly documents: Readonly<Record<string, object>>;
  readonly bundles: Readonly<Record<string, BundleSpec>>;
}

type Fields = Record<string, unknown>;

/** The APIs of all subjects for a language, without those whose hooks it does not have. */
export function definitionsFor(subjects: readonly Subject[], language: Language, upstreamUrl: string): Served {
  const documents: Record<string, object> = {};
  const bundles: Record<string, BundleSpec> = {};
  for (const subject of subjects) {
    for (const [name, api] of Object.entries(subject.apis)) {
      if (!isWritten(api, subject.plugin, language)) continue;
      const id = apiId(subject, name);
      const hooks = toHooks(api, subject.plugin, language);
      if (api.bundle === true) bundles[`${id}.zip`] = bundleOf(hooks, language);
      documents[id] =
        api.oas === undefined ? classic(id, api, hooks, upstreamUrl) : oas(id, api.oas, hooks, upstreamUrl);
    }
  }
  return { documents, bundles };
}

/** Whether a language has all hooks of an API. */
export function isWritten(api: ApiSpec, plugin: string, language: Language): boolean {
  return hooksOf(api)
    .filter(({ entry }) => entry.driver === undefined && entry.absent !== true)
    .every(({ phase, entry }) => hasHook(language, entry.plugin ?? plugin, phase, entry.name));
}

type Hooks = Readonly<Partial<Record<PhaseName, readonly Fields[]>>> & { readonly driver: string };

function toHooks(api: ApiSpec, plugin: string, language: Language): Hooks {
  const hooks: Partial<Record<PhaseName, Fields[]>> = {};
  for (const { phase, entry } of hooksOf(api)) {
    hooks[phase] = [...(hooks[phase] ?? []), toEntry(phase, entry, plugin, language)];
  }
  return { ...hooks, driver: language.driver };
}

function toEntry(phase: PhaseName, entry: HookEntry, plugin: string, language: Language): Fields {
  const { name, plugin: own = plugin, driver, interpose = {}, absent: _, ...rest } = entry;
  if (driver !== undefined) return { name, ...rest, interpose: { ...(interpose as Fields), driver } };
  return {
    name,
    ...(language.driver !== 'grpc' && { path: pluginFile(language, own, phase) }),
    ...rest,
    interpose: { ...language.interpose, ...(interpose as Fields) },
  };
}

function classic(id: string, api: ApiSpec, hooks: Hooks, upstreamUrl: string): object {
  const made = {
    ...(api.auth && { use_keyless: false, custom_plugin_auth_enabled: true }),
    ...(api.bundle === true ? { custom_middleware_bundle: `${id}.zip` } : { custom_middleware: classicHooks(hooks) }),
    proxy: { target_url: upstreamUrl },
  };
  return classicDefinition(id, merge(made, api.definition ?? {}));
}

function classicHooks({ driver, pre, auth, postKeyAuth, post, response }: Hooks): Fields {
  return {
    driver,
    ...(pre && { pre }),
    ...(auth && { auth_check: auth[0] }),
    ...(postKeyAuth && { post_key_auth: postKeyAuth }),
    ...(post && { post }),
    ...(response && { response }),
  };
}

function bundleOf(hooks: Hooks, language: Language): BundleSpec {
  const all = Object.entries(pluginFiles(language));
  const used = new Set(
    Object.values(hooks).flatMap((list) => (Array.isArray(list) ? list.map(({ path }) => path) : [])),
  );
  // A Python bundle of one file is that module; TypeScript's hooks import files beside them.
  const files = Object.fromEntries(all.filter(([name]) => language.folder === 'typescript' || used.has(name)));
  return { manifest: { file_list: Object.keys(files), custom_middleware: classicHooks(hooks) }, files };
}

/** An OpenAPI document. Under `operations`, hooks of an operation are named by `${name}` of the list that they are in. */
function oas(id: string, extension: Readonly<Fields>, hooks: Hooks, upstreamUrl: string): object {
  const { middleware, server, ...rest } = extension as { middleware?: Fields; server?: Fields };
  const spelt = (list: readonly Fields[] | undefined): Fields[] | undefined => list?.map(oasEntry);
  const { operations, global } = (middleware ?? {}) as { operations?: Record<string, Fields>; global?: Fields };
  const perOperation = operations !== undefined;
  return {
    openapi: '3.0.3',
    info: { title: id, version: '1' },
    paths: perOperation ? { '/get': { get: { operationId: 'getIt', responses: {} } } } : {},
    'x-tyk-api-gateway': {
      info: { id, name: id, orgId: 'default', state: { active: true } },
      upstream: { url: upstreamUrl },
      server: {
        listenPath: { value: `/${id}/`, strip: true },
        ...(hooks.auth && {
          authentication: { enabled: true, custom: { enabled: true, config: oasEntry(hooks.auth[0] as Fields) } },
        }),
        ...server,
      },
      middleware: {
        global: {
          pluginConfig: { driver: hooks.driver, ...(global?.pluginConfig as Fields) },
          ...(!perOperation && hooks.pre && { prePlugins: spelt(hooks.pre) }),
          ...(hooks.postKeyAuth && { postAuthenticationPlugins: spelt(hooks.postKeyAuth) }),
          ...(!perOperation && hooks.post && { postPlugins: spelt(hooks.post) }),
          ...(hooks.response && { responsePlugins: spelt(hooks.response) }),
        },
        ...(perOperation && { operations: { getIt: { ...operations.getIt, postPlugins: spelt(hooks.post) } } }),
      },
      ...rest,
    },
  };
}

function oasEntry({ name, raw_body_only, require_session, disabled, ...rest }: Fields): Fields {
  return {
    enabled: disabled !== true,
    functionName: name,
    ...(raw_body_only !== undefined && { rawBodyOnly: raw_body_only }),
    ...(require_session !== undefined && { requireSession: require_session }),
    ...rest,
  };
}
