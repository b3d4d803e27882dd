import { type Analytics, openAnalytics } from './analytics/index.ts';
import type { Configuration } from './configuration/index.ts';
import { createHostServices, type HostServices } from './host-services.ts';
import { createPolicies, createSessions, type Sessions } from './session/index.ts';
import { createStore, type Store } from './store/index.ts';

/** What outlives a request: the store, sessions, policies, and the services that plugins ask for. Opened before anything that needs them. */
export interface GatewayState {
  readonly sessions: Sessions;
  readonly hostServices: HostServices;
  /** What gateways that share the store tell each other. */
  readonly messages: Pick<Store, 'publish' | 'subscribe' | 'onGap'>;
  /** Undefined when no records are asked for. */
  readonly analytics: Analytics | undefined;
  close(): Promise<void>;
}

export type StateLog = (level: 'info' | 'warn', message: string, fields?: Record<string, unknown>) => void;

export async function openState(configuration: Configuration, log: StateLog): Promise<GatewayState> {
  const report = (error: Error): void => log('warn', error.message);
  const store = await createStore(configuration.store, log);
  const { policies, problems } = await createPolicies(configuration.policies.path);
  for (const problem of problems) log('warn', problem);
  const sessions = createSessions({
    store,
    policies,
    keys: configuration.keys,
    routing: configuration.routing,
    report,
  });
  const fire = (event: string, payload: unknown): void => log('info', 'a plugin fired an event', { event, payload });
  const analytics = openAnalytics(configuration, store, log);
  return {
    sessions,
    hostServices: createHostServices(store, sessions.records, fire),
    messages: store,
    analytics,
    close: async () => {
      await analytics?.close();
      await sessions.close();
      await store.close();
    },
  };
}
