import { decode } from '@msgpack/msgpack';
import { Redis } from 'ioredis';
import type { UserConfiguration } from '../../../gateway/configuration/index.ts';
import { type Valkey, valkey } from '../../peers/index.ts';
import { type GatewayTest, type TestGateway, withGateway } from '../with-gateway.ts';

/** A record, as any reader of MessagePack sees it. */
export type Read = Readonly<Record<string, unknown>> & { readonly Tags: readonly string[] };

export interface Records {
  readonly gateway: TestGateway;
  /** The record that is in the list longest; waits for one. */
  readonly next: () => Promise<Read>;
  readonly redis: Redis;
  readonly server: Valkey;
}

export const listKey = 'analytics-tyk-system-analytics';

type AnalyticsOptions = NonNullable<UserConfiguration['analytics']>;

/** A gateway that writes analytics records, beside a Redis of its own. */
export async function withRecords(
  test: GatewayTest & { readonly analytics?: AnalyticsOptions; readonly redisArgs?: readonly string[] },
  use: (records: Records) => Promise<void>,
): Promise<void> {
  const server = await valkey(test.redisArgs);
  const redis = new Redis({ port: server.port, host: '127.0.0.1' });
  redis.on('error', () => {});
  const { analytics, configuration } = test;
  const settings: UserConfiguration = {
    ...configuration,
    store: { kind: 'redis', url: server.url },
    analytics: { enabled: true, ...analytics },
  };
  const next = async (): Promise<Read> => {
    const popped = await redis.blpopBuffer(listKey, 10);
    if (popped === null) throw new Error('no record came');
    return decode(popped[1]) as Read;
  };
  try {
    await withGateway({ ...test, configuration: settings }, (gateway) => use({ gateway, redis, server, next }));
  } finally {
    redis.disconnect();
    await server.close();
  }
}

export const secret = { 'X-Tyk-Authorization': 'a secret of the tests' };
