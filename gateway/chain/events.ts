import { performance } from 'node:perf_hooks';
import { Cancellation } from '../../contract/cancellation.ts';
import { goJson } from '../../contract/go-json.ts';
import { HeaderList } from '../../contract/header-list.ts';
import { type HookSpec, isLoaded, type PluginSet, type SetReport } from '../../contract/plugin-set.ts';
import { digestOf } from '../../contract/plugin-set-digest.ts';
import { RequestMessage } from '../../contract/request-message.ts';
import type { Api, EventHandler } from '../definitions/api.ts';
import type { Dispatcher, HookRun } from '../dispatch/dispatcher.ts';
import type { Exchange } from '../exchange.ts';
import {
  type EventMessage,
  type EventMeta,
  eventMessage,
  type KeyEventMeta,
  keyEventMessage,
} from './event-message.ts';

export type EventName = 'AuthFailure' | 'KeyExpired' | 'RatelimitExceeded' | 'QuotaExceeded' | 'VersionFailure';

/** What the control API does to keys. */
export type KeyEventName = 'TokenCreated' | 'TokenUpdated' | 'TokenDeleted';

/** Tells an API's handlers what happened. Nobody waits for them, and nothing of the request is held up. */
export interface Events {
  fire(event: EventName, exchange: Exchange, meta: EventMeta): void;
  fireOfKey(event: KeyEventName, meta: KeyEventMeta): void;
}

export interface EventParts {
  readonly dispatcher: Dispatcher;
  readonly log: (level: 'warn', message: string, fields?: Record<string, unknown>) => void;
}

type PluginHandler = Exclude<EventHandler, { kind: 'log' }>;

/** Longest run of a handler: the original sets no limit, but what hangs must not hold its place for ever. */
const handlerTimeoutMs = 30_000;

/** Handlers that run at once in this process; what comes beyond is dropped, and the log tells. */
const maxHandlersInFlight = 1000;
let inFlight = 0;

/** What a coprocess must install so that an API's event handlers can be called: a set of their own. Undefined when there are none. */
export function eventSet(api: Api, pluginFiles: string | undefined): PluginSet | undefined {
  const hooks = pluginHandlers(api).map(
    (handler, index): HookSpec => ({
      index,
      type: 'event',
      driver: handler.kind === 'coprocess' ? 'grpc' : api.plugins.driver === 'javascript' ? 'javascript' : 'otto',
      name: handler.name,
      path: handler.kind === 'coprocess' ? '' : handler.path,
      rawBodyOnly: false,
      requireSession: false,
      timeoutMs: handlerTimeoutMs,
      onError: 'continue',
    }),
  );
  if (hooks.length === 0) return undefined;
  const set = { apiId: api.id, orgId: api.orgId, ...(pluginFiles === undefined ? {} : { pluginFiles }), hooks };
  return { digest: digestOf(set), ...set };
}

/** The original calls a plugin server only: handlers of APIs with another coprocess driver are never called (recorded). */
function pluginHandlers(api: Api): readonly PluginHandler[] {
  return api.eventHandlers.filter(
    (handler): handler is PluginHandler =>
      handler.kind === 'javascript' || (handler.kind === 'coprocess' && api.plugins.driver === 'grpc'),
  );
}

/** @param report of the set; undefined, or of a set that did not load: only the log is told. */
export function createEvents(api: Api, report: SetReport | undefined, parts: EventParts): Events | undefined {
  if (api.eventHandlers.length === 0) return undefined;
  const usable = report !== undefined && isLoaded(report);
  const handlers = pluginHandlers(api).map((handler, index) => ({
    handler,
    run: usable ? { digest: report.digest, hooks: [index] } : undefined,
  }));
  const spec = { APIID: api.id, OrgID: api.orgId };

  return {
    fire: (event, exchange, meta) => tell(event, () => eventMessage(event, exchange, meta)),
    fireOfKey: (event, meta) => tell(event, () => keyEventMessage(event, meta)),
  };

  function tell(event: EventName | KeyEventName, compose: () => EventMessage): void {
    if (!api.eventHandlers.some((handler) => handler.event === event)) return;
    // After whoever asked has the answer.
    setImmediate(() => {
      const message = compose();
      for (const handler of api.eventHandlers) {
        if (handler.kind !== 'log' || handler.event !== event) continue;
        parts.log('warn', `${handler.prefix}: ${message.Meta.Message}`, { event, api: api.id, ...message.Meta });
      }
      for (const { handler, run } of handlers) {
        if (run === undefined || handler.event !== event) continue;
        const payload = goJson({
          message,
          handler_name: handler.kind === 'coprocess' ? 'cp_dynamic_handler' : 'eh_dynamic_handler',
          spec,
        });
        void call(run, handler.name, Buffer.from(payload));
      }
    });
  }

  async function call(run: HookRun, name: string, payload: Buffer): Promise<void> {
    if (inFlight >= maxHandlersInFlight) {
      return parts.log('warn', `event handler "${name}" was not called: ${inFlight} run already`, { api: api.id });
    }
    inFlight++;
    try {
      const [outcome] = await parts.dispatcher.dispatch(run, {
        request: RequestMessage.of(carrier(payload)),
        response: undefined,
        session: undefined,
        metadata: undefined,
        deadlineMs: performance.now() + handlerTimeoutMs,
        cancellation: new Cancellation(),
        trace: undefined,
      });
      const failure = outcome?.failure;
      if (failure !== undefined) {
        parts.log('warn', `event handler "${name}" failed: ${failure.message}`, {
          api: api.id,
          reason: failure.reason,
        });
      }
    } finally {
      inFlight--;
    }
  }
}

/** A handler gets no request: what it is told stands where others find the body. */
function carrier(payload: Buffer): Parameters<typeof RequestMessage.of>[0] {
  return {
    method: '',
    parkedMethod: undefined,
    url: { prefix: '', path: '/', query: undefined },
    rewrite: undefined,
    requestUri: '',
    scheme: 'http',
    host: '',
    headers: new HeaderList(),
    body: payload,
  };
}
