import type { Store } from '../store/store.ts';

/** What gateways that share a store tell each other: the channel and the form are the original's, whose gateways may listen too. */
const channel = 'tyk.cluster.notifications';

/** Commands after which definitions or policies are other ones than before. */
const reloading = new Set(['GroupReload', 'ApiUpdated', 'ApiRemoved', 'ApiAdded', 'PolicyChanged']);

export interface Notices {
  /** Tell all gateways of the group to reload, this one included. @throws {StoreUnavailable} */
  publishReload(): Promise<void>;
  close(): void;
}

/** @param onReload some gateway, perhaps this one, asks for a reload; or such a message may have been missed. */
export function openNotices(store: Pick<Store, 'publish' | 'subscribe' | 'onGap'>, onReload: () => void): Notices {
  let closed = false;
  const stop = store.subscribe(channel, (message) => {
    const command = commandOf(message);
    if (command !== undefined && reloading.has(command)) onReload();
  });
  store.onGap(() => {
    if (!closed) onReload();
  });
  return {
    async publishReload() {
      await store.publish(channel, JSON.stringify({ command: 'GroupReload', payload: '', signature: '' }));
    },
    close() {
      closed = true;
      stop();
    },
  };
}

function commandOf(message: string): string | undefined {
  try {
    const { command } = JSON.parse(message) as { command?: unknown };
    return typeof command === 'string' ? command : undefined;
  } catch {
    return undefined;
  }
}
