import type { Host } from '../driver.ts';
import type { Install } from './protocol.ts';

/** What a script asks of the gateway, in the gateway's words; its answer in the script's (spec/platform-contract §1.7). */
export async function askGateway(
  host: Host,
  service: string,
  [first, second, third]: readonly unknown[],
  { orgId }: Pick<Install, 'orgId'>,
): Promise<unknown> {
  switch (service) {
    case 'keys.get': {
      const session = await host.request('keys.get', { key: first, orgId });
      return session === null ? keyNotFound : JSON.stringify(session);
    }
    case 'keys.set': {
      const session = parsed(second);
      if (session === undefined) {
        host.log('error', 'TykSetKeyData was given a text that is no session');
        return null;
      }
      try {
        await host.request('keys.set', { key: first, session, suppressReset: third === '1' });
      } catch (error) {
        host.log('error', `TykSetKeyData could not store a session: ${(error as Error).message}`);
      }
      return null;
    }
    case 'storage.set':
    case 'storage.setnx':
      return host.request(`scripts.${service.slice('storage.'.length)}`, {
        key: first,
        value: second,
        ttlSeconds: third,
      });
    case 'storage.incr':
      return host.request('scripts.incr', { key: first, ttlSeconds: second });
    default:
      return host.request(`scripts.${service.slice('storage.'.length)}`, { key: first });
  }
}

const keyNotFound = '{"status":"error","message":"Key not found"}';

function parsed(text: unknown): object | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
