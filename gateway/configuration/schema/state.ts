import { z } from 'zod';
import { bytes, clientTls, count, flag, ms, msOrNone, oneOf, secret, section, text } from './parts.ts';

const redis = z.strictObject({
  kind: z.literal('redis').meta({ description: 'Redis or Valkey' }),
  url: z
    .string()
    .optional()
    .meta({
      description: '`redis://[user:password@]host:port[/database]`, `rediss://` with TLS',
      examples: ['redis://127.0.0.1:6379'],
      writeOnly: true,
    }),
  mode: oneOf(['single', 'sentinel', 'cluster'], 'single', 'One server, sentinels that know the master, or a cluster'),
  addresses: z
    .array(z.string())
    .default([])
    .meta({
      description: 'Sentinels, or nodes of the cluster, each `host:port`; one for `single`, instead of `url`',
      examples: [['10.0.0.1:6379', '10.0.0.2:6379']],
    }),
  username: text('User', 'interpose'),
  password: secret('Password'),
  database: z.int().nonnegative().default(0).meta({ description: 'Number of the database' }),
  sentinel: z
    .strictObject({
      master: z
        .string()
        .min(1)
        .meta({ description: 'Name of the master set', examples: ['mymaster'] }),
      username: text('User at the sentinels', 'interpose'),
      password: secret('Password at the sentinels'),
    })
    .optional()
    .meta({ description: 'For `sentinel`' }),
  tls: clientTls('Speak TLS; absent: plain, unless the url is `rediss://`'),
  timeoutMs: ms(5000, 'Longest wait for a connection or an answer'),
});

const memory = z.strictObject({
  kind: z.literal('memory').meta({ description: 'In this process; gone when it ends, unless `snapshot` is given' }),
  snapshot: text(
    'File that keys and quotas are kept in; written every minute, and at the end',
    '/var/lib/interpose/store',
  ),
});

export const store = z
  .discriminatedUnion('kind', [memory, redis])
  .default({ kind: 'memory' })
  .meta({
    description: 'Where keys, counters and plugin storage live',
    examples: [{ kind: 'redis', url: 'redis://127.0.0.1:6379' }],
  });

const hashFunctions = ['murmur32', 'murmur64', 'murmur128', 'sha256'] as const;

export const keys = section('Keys and their sessions', {
  hash: flag(false, 'Store keys by their hash, so that the store does not reveal them'),
  hashFunction: z
    .enum(hashFunctions)
    .optional()
    .meta({
      description: 'Hash of new keys; absent: murmur32, and keys in the old form (organisation and id put together)',
      examples: ['murmur64'],
    }),
  hashFallbacks: z
    .array(z.enum(hashFunctions))
    .default([])
    .meta({ description: 'Hashes that older keys may have', examples: [['murmur32']] }),
  listHashed: flag(false, 'List keys although they are hashed (`GET /tyk/keys`)'),
  minLength: count(3, 'Keys shorter than this are not looked up'),
  allowMaster: flag(false, 'Allow keys without access rights, which open every API'),
  fullNameOnly: flag(false, 'Find keys by their full name only, not by the name without the organisation'),
  lifetimeMs: msOrNone(0, 'How long sessions live that say nothing themselves; 0: for ever'),
  forceLifetime: flag(false, '`lifetimeMs` holds whatever APIs and sessions say'),
  lifetimeRespectsExpiry: flag(false, 'A session lives at least as long as its key'),
  cacheMs: msOrNone(10_000, 'How long a session may be served from memory; 0: never'),
});

export const analytics = section(
  'One record per request, in a list of the store, where tyk-pump reads them (docs/observability.md)',
  {
    enabled: flag(false, 'Write records; needs `store: { kind: redis }`'),
    detailed: flag(false, 'Put raw requests and responses into them, of all APIs'),
    maxBodyBytes: bytes(65_536, 'How much of each body such a record holds'),
    ignoredIps: z
      .array(z.string())
      .default([])
      .meta({ description: 'Clients of whose requests there is no record', examples: [['10.0.0.1']] }),
    serializer: oneOf(['msgpack', 'protobuf'], 'msgpack', 'Form of records in the store; `protobuf` is not built in'),
    multipleKeys: flag(false, 'Spread records over ten lists'),
    expireMs: msOrNone(60_000, 'How long records wait in the store for a pump; 0: for ever'),
    maxQueuedRecords: count(10_000, 'Records that wait to be written; more are dropped, and counted'),
  },
);
