import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookCall } from '../../../contract/call.ts';
import { Cancellation } from '../../../contract/cancellation.ts';
import type { BodyUse, HookSpec, PluginSet } from '../../../contract/plugin-set.ts';
import { RequestMessage } from '../../../contract/request-message.ts';
import { requestState } from '../../../contract/request-state.ts';
import { parseTarget } from '../../../contract/url.ts';
import type { Driver, Host } from '../../../drivers/driver.ts';

/** What a hook of the fake driver does; `host` is what the driver was given. */
export type FakeHook = (call: HookCall, host: Host, hook: HookSpec) => HookAnswer | Promise<HookAnswer>;

/** A driver named `fake` whose hooks are functions by name; a hook that is not there is reported as such. `loading` is waited for. */
export function fakeDriver(
  hooks: Readonly<Record<string, FakeHook>>,
  body: BodyUse = 'buffered',
  loading?: () => Promise<void>,
): Driver {
  return {
    names: ['fake'],
    async load(_set, specs, host) {
      await loading?.();
      return {
        reports: specs.map(({ name }) =>
          Object.hasOwn(hooks, name)
            ? { ready: true, body }
            : { ready: false, reason: `there is no hook named ${name}` },
        ),
        run: (hook, call) => (hooks[hook.name] as FakeHook)(call, host, hook),
        async close() {},
      };
    },
    async close() {},
  };
}

export const stamp: FakeHook = () => ({ request: { setHeaders: [['X-Stamp', 'fake']] } });

/** A hook that answers only when its call is cancelled, and then with that failure. */
export const hang: FakeHook = (call) =>
  new Promise((_, reject) => {
    call.cancellation.onCancel(() => reject(new Error('cancelled')));
  });

export function fakeSet(digest: string, names: readonly string[], hook: Partial<HookSpec> = {}): PluginSet {
  const spec = { type: 'pre', driver: 'fake', path: '', rawBodyOnly: false, requireSession: false } as const;
  return {
    digest,
    apiId: 'orders',
    orgId: 'acme',
    hooks: names.map((name, index) => ({ ...spec, index, name, timeoutMs: 5000, onError: 'reject', ...hook })),
  };
}

export function fakeCall(parts: Partial<HookCall> & { body?: Buffer; headers?: [string, string][] } = {}): HookCall {
  const { body, headers, ...rest } = parts;
  const state = requestState({ method: 'GET', url: parseTarget('/orders?id=7'), host: 'shop.test' });
  for (const [name, value] of headers ?? []) state.headers.add(name, value);
  if (body !== undefined) state.body = body;
  return {
    request: RequestMessage.of(state),
    response: undefined,
    session: undefined,
    metadata: undefined,
    deadlineMs: performance.now() + 5000,
    cancellation: new Cancellation(),
    trace: undefined,
    ...rest,
  };
}
