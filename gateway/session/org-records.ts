import type { Store } from '../store/store.ts';
import type { Session } from './session.ts';
import { parseStoredSession, sessionJson } from './session-json.ts';

const prefix = 'orgkey.';

/** Sessions of whole organisations. Rejects with `StoreUnavailable`. */
export class OrgRecords {
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  async find(org: string): Promise<Session | undefined> {
    const json = await this.store.get(prefix + org);
    return json === undefined ? undefined : parseStoredSession(json);
  }

  async save(org: string, session: Session): Promise<void> {
    await this.store.set(prefix + org, sessionJson(session), 0);
  }

  /** Whether there was one. */
  async remove(org: string): Promise<boolean> {
    return (await this.store.delete([prefix + org])) > 0;
  }

  async list(): Promise<string[]> {
    return (await this.store.keys(prefix)).map((key) => key.slice(prefix.length));
  }
}
