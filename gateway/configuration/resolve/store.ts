import type { RedisStore, Store } from '../configuration.ts';
import type { CheckedConfiguration } from '../schema/index.ts';
import { absolute, type Context, refuse } from './context.ts';
import { resolveClientTls } from './tls.ts';

type RedisSection = Extract<CheckedConfiguration['store'], { kind: 'redis' }>;
type Server = RedisStore['addresses'][number];

export function resolveStore(context: Context, store: CheckedConfiguration['store']): Store {
  if (store.kind === 'memory') return { kind: 'memory', snapshotPath: absolute(context, store.snapshot) };
  const fromUrl = store.url === undefined ? undefined : parseUrl(context, store.url);
  const addresses = fromUrl === undefined ? parseAddresses(context, store) : [fromUrl.server];
  if (store.url !== undefined && store.addresses.length > 0) {
    refuse(
      context,
      ['store', 'addresses'],
      'stands beside "url"',
      'Give one of them: "url" for one server, "addresses" for several.',
    );
  }
  if (store.mode === 'sentinel' && store.sentinel === undefined) {
    refuse(
      context,
      ['store', 'sentinel'],
      'is missing',
      'Name the master set that the sentinels watch. For example: sentinel: { master: mymaster }',
    );
  }
  const tls = resolveClientTls(context, ['store', 'tls'], store.tls);
  return {
    kind: 'redis',
    mode: store.mode,
    addresses,
    username: store.username ?? fromUrl?.username,
    password: store.password ?? fromUrl?.password,
    database: fromUrl?.database ?? store.database,
    sentinelMaster: store.sentinel?.master,
    sentinelUsername: store.sentinel?.username,
    sentinelPassword: store.sentinel?.password,
    tls: tls ?? (fromUrl?.secure ? plainTls : undefined),
    timeoutMs: store.timeoutMs,
  };
}

const plainTls = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };

interface RedisUrl {
  readonly server: Server;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number | undefined;
  readonly secure: boolean;
}

function parseUrl(context: Context, text: string): RedisUrl | undefined {
  const url = URL.parse(text);
  const database = /^\/?(\d*)$/.exec(url?.pathname ?? '')?.[1];
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || database === undefined) {
    refuse(
      context,
      ['store', 'url'],
      'is no URL of a Redis (not shown, for it may hold a password)',
      'For example: url: redis://127.0.0.1:6379/0',
    );
    return undefined;
  }
  return {
    server: { host: url.hostname.replaceAll(/[[\]]/g, ''), port: url.port === '' ? 6379 : Number(url.port) },
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    database: database === '' ? undefined : Number(database),
    secure: url.protocol === 'rediss:',
  };
}

function parseAddresses(context: Context, store: RedisSection): Server[] {
  if (store.url === undefined && store.addresses.length === 0) {
    refuse(context, ['store', 'url'], 'is missing', 'Say where Redis is. For example: url: redis://127.0.0.1:6379');
  }
  if (store.mode === 'single' && store.addresses.length > 1) {
    refuse(
      context,
      ['store', 'addresses'],
      'has several servers',
      'Several are sentinels or a cluster: write mode: sentinel, or mode: cluster.',
    );
  }
  return store.addresses.flatMap((text, i) => {
    const match = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
    if (match !== null) return [{ host: match[1] ?? (match[2] as string), port: Number(match[3] ?? 6379) }];
    refuse(
      context,
      ['store', 'addresses', i],
      `must be host:port, got ${JSON.stringify(text)}`,
      'For example: 10.0.0.1:6379',
    );
    return [];
  });
}
