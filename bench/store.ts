import { Redis } from 'ioredis';
import { valkey } from '../test/peers/valkey.ts';

/** A real Redis that knows the keys `key0` to `key1023`, each with the right to the API `bench` and no limits. */
export interface Store {
  readonly url: string;
  close(): Promise<void>;
}

export async function openStore(): Promise<Store> {
  const server = await valkey();
  const client = new Redis(server.url);
  const session = JSON.stringify({
    org_id: 'default',
    allowance: 1000,
    rate: 0,
    per: 0,
    expires: 0,
    quota_max: -1,
    access_rights: { bench: { api_name: 'bench', api_id: 'bench', versions: ['Default'] } },
    alias: 'a caller',
    meta_data: { plan: 'gold', region: 'eu' },
  });
  await Promise.all(Array.from({ length: 1024 }, (_, n) => client.set(`apikey-defaultkey${n}`, session)));
  client.disconnect();
  return { url: server.url, close: () => server.close() };
}
