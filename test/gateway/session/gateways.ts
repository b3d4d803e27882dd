import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HookAnswer } from '../../../contract/answer.ts';
import { HeaderList } from '../../../contract/header-list.ts';
import { type RequestState, requestState } from '../../../contract/request-state.ts';
import { parseTarget } from '../../../contract/url.ts';
import type { Keys } from '../../../gateway/configuration/index.ts';
import { keyEndpoints } from '../../../gateway/control/keys/index.ts';
import { type Api, parseClassic } from '../../../gateway/definitions/index.ts';
import {
  type Caller,
  checkAccessRights,
  checkExpiry,
  checkGranularAccess,
  createPolicies,
  createSessions,
  isRefusal,
  type Policies,
  type Refusal,
  type Sessions,
} from '../../../gateway/session/index.ts';
import type { Store } from '../../../gateway/store/index.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { type Kind, type Stores, withStores } from '../store/stores.ts';

/** One gateway, as far as sessions are concerned. */
export interface Gateway {
  readonly sessions: Sessions;
  readonly store: Store;
  /** What went wrong behind the requests' back. */
  readonly reports: Error[];
  /** Status of a request with this key that passes all checks, or why it does not. */
  readonly ask: (key: string, api?: Api, path?: string) => Promise<string>;
  /** The same for an answer of the API's auth plugin. */
  readonly answer: (answer: HookAnswer, api?: Api, extractedId?: string) => Promise<string>;
  /** The checks that come after authentication. */
  readonly check: (caller: Caller | Refusal | undefined, api: Api, path?: string) => Promise<string>;
  /** A call of the control API. */
  readonly control: (call: string, body?: unknown) => Promise<{ status: number; body: unknown }>;
}

export interface Gateways extends Stores {
  /** Start one; they share what the kind of store lets them share. */
  readonly start: (keys?: Partial<Keys>) => Promise<Gateway>;
  readonly policies: Policies;
  readonly policyFolder: string;
}

export interface GatewaysOptions {
  readonly policies?: Record<string, unknown>;
  readonly apis?: readonly Api[];
}

/** Run `use` with gateways that share one store, empty at first. */
export function withGateways(
  kind: Kind,
  options: GatewaysOptions,
  use: (gateways: Gateways) => Promise<void>,
): Promise<void> {
  return withStores(kind, async (stores) => {
    const policyFolder = await mkdtemp(join(tmpdir(), 'policies-'));
    const started: Sessions[] = [];
    try {
      for (const [id, policy] of Object.entries(options.policies ?? {})) {
        await writeFile(
          join(policyFolder, `${id}.json`),
          JSON.stringify({ id, org_id: 'default', active: true, ...(policy as object) }),
        );
      }
      const { policies } = await createPolicies(policyFolder);
      const start = async (keys: Partial<Keys> = {}): Promise<Gateway> => {
        const gateway = gatewayOn(await stores.open(), policies, { ...usualKeys, ...keys }, options.apis ?? [tokenApi]);
        started.push(gateway.sessions);
        return gateway;
      };
      await use({ ...stores, start, policies, policyFolder });
    } finally {
      await Promise.all(started.map((sessions) => sessions.close()));
      await rm(policyFolder, { recursive: true });
    }
  });
}

const usualKeys: Keys = {
  hash: false,
  hashFunction: undefined,
  hashFallbacks: [],
  listHashed: false,
  minLength: 3,
  allowMaster: true,
  fullNameOnly: false,
  lifetimeMs: 0,
  forceLifetime: false,
  lifetimeRespectsExpiry: false,
  cacheMs: 10_000,
};

function gatewayOn(store: Store, policies: Policies, keys: Keys, apis: readonly Api[]): Gateway {
  const reports: Error[] = [];
  const routing = { prefixMatching: false, suffixMatching: false };
  const sessions = createSessions({ store, policies, keys, routing, report: (error) => reports.push(error) });
  const control = keyEndpoints(sessions, { api: (id) => apis.find((api) => api.id === id), tell: () => {} });
  const check: Gateway['check'] = async (caller, api, path = `/${api.id}/a`) => {
    if (caller === undefined) return 'nobody';
    if (isRefusal(caller)) return textOf(caller);
    const refusal =
      checkExpiry(caller) ??
      checkAccessRights(caller) ??
      checkGranularAccess(caller, 'GET', path) ??
      (await sessions.checkRateAndQuota(caller, api, { method: 'GET', paths: () => [path], context: () => undefined }));
    return refusal === undefined ? '200' : textOf(refusal);
  };
  return {
    sessions,
    store,
    reports,
    check,
    ask: async (key, api = tokenApi, path?) => check(await sessions.authenticateKey(key, api), api, path),
    answer: async (answer, api = pluginApi, id?) => check(await sessions.acceptPluginSession(answer, api, id), api),
    async control(call, body) {
      const [method = '', target = ''] = call.split(' ');
      const { pathname, searchParams } = new URL(target, 'http://gateway');
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      const reply = await control({ method, path: pathname, query: searchParams, body: Buffer.from(text) });
      if (reply === undefined) throw new Error(`${target} is no path of keys`);
      return { status: reply.status, body: JSON.parse(String(reply.body)) };
    },
  };
}

function textOf({ status, message }: Refusal): string {
  return `${status} ${message}`;
}

/** An API out of a Classic definition that asks for keys unless `more` says otherwise. */
export function api(id: string, more: object = {}): Api {
  const parsed = parseClassic(
    { ...usualDefinition, name: id, api_id: id, proxy: { ...usualDefinition.proxy, listen_path: `/${id}/` }, ...more },
    id,
  );
  if (parsed.api === undefined) throw new Error(JSON.stringify(parsed.refusal));
  return parsed.api;
}

const usualDefinition = {
  org_id: 'default',
  active: true,
  use_keyless: false,
  auth: { auth_header_name: 'Authorization' },
  version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
  proxy: { target_url: 'http://127.0.0.1:1/', strip_listen_path: true },
};

export const tokenApi = api('tokens');
export const pluginApi = api('plugged', {
  enable_coprocess_auth: true,
  custom_middleware: { driver: 'grpc', auth_check: { name: 'who' } },
});

/** A right to use an API, as it stands in keys. */
export function rightTo(...ids: readonly string[]): object {
  return Object.fromEntries(ids.map((id) => [id, { api_id: id, versions: ['Default'] }]));
}

/** An auth plugin's answer: its token, and fields of the session. */
export function answerOf(token: string, session: Partial<SessionState> = {}): HookAnswer {
  const empty = SessionState.fromPartial({});
  return { session: SessionState.encode({ ...empty, ...session }).finish(), metadata: [['token', token]] };
}

/** The session as hooks see it. */
export function seen(caller: Caller): SessionState {
  return SessionState.decode(caller.proto());
}

/** A request as hooks see it. */
export function request(
  target: string,
  headers: Record<string, string> = {},
  more: Partial<RequestState> = {},
): RequestState {
  return requestState({
    method: 'GET',
    url: parseTarget(target),
    headers: new HeaderList(Object.entries(headers).flat()),
    ...more,
  });
}

/** Wait for something that happens in the background; the promise's holder says how long is too long. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs = 2000): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > limitMs)
      throw new Error(`did not happen within ${limitMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - since;
}
