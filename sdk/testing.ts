import { canonicalName } from '../contract/canonical.ts';
import type { Accepted } from './accept.ts';
import type { Hook } from './hook.ts';
import type { RequestHead, ResponseHead } from './message.ts';
import type { Reply } from './reply.ts';
import type { HookConstants } from './runtime/context.ts';
import { HookRequest } from './runtime/request.ts';
import { HookResponse } from './runtime/response.ts';
import { runHook as startHook } from './runtime/run.ts';
import { encodeSession } from './runtime/session.ts';
import type { CallSource } from './runtime/source.ts';
import type { Session } from './session.ts';

/** What a hook is tried with. */
export interface TestCall {
  /** @default 'GET' */
  readonly method?: string;
  /** @default '/' */
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For response hooks. @default status 200 without headers and body */
  readonly response?: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string | readonly string[]>>;
    readonly body?: string | Uint8Array;
  };
  /** The definition's `config_data`. @default {} */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly session?: Partial<Session>;
  /** What the gateway says to `context.ask`. @default it refuses everything */
  readonly ask?: (service: string, args: unknown) => unknown;
}

/** What became of the call. */
export interface TestOutcome {
  /** The request as later hooks and the upstream get it. */
  readonly request: RequestHead & { readonly body: unknown };
  /** The response as later hooks and the client get it; in response hooks only. */
  readonly response: (ResponseHead & { readonly body: unknown }) | undefined;
  readonly reply: Reply | undefined;
  /** The session that an `auth` hook made. */
  readonly session: Accepted['session'] | undefined;
}

/**
 * Run a hook in a test, without any gateway: it gets what it would get there, and rejects with what it throws.
 *
 * @example
 * const { request } = await runHook(stamp, { headers: { accept: 'text/html' }, config: { plan: 'gold' } });
 * assert.equal(request.headers.get('x-plan'), 'gold');
 */
export async function runHook(hook: Hook, call: TestCall = {}): Promise<TestOutcome> {
  const source = toSource(hook, call);
  const run = startHook(hook, constantsOf(call), source);
  const { members } = await run.answer;
  const { message } = run;
  const reply = members.reply && {
    kind: 'reply' as const,
    ...members.reply,
    body: typeof members.reply.body === 'string' ? members.reply.body : (await run.answer).parts[members.reply.body],
  };
  return {
    request: message instanceof HookRequest ? message : new HookRequest(source.request, 'text'),
    response: message instanceof HookResponse ? message : undefined,
    reply: reply as Reply | undefined,
    session: members.session as Accepted['session'] | undefined,
  };
}

function toSource(hook: Hook, call: TestCall): CallSource {
  const { method = 'GET', url = '/', headers = {}, body = '', response = {}, session } = call;
  const same = (raw: string): string => raw;
  return {
    request: {
      method,
      url,
      scheme: 'http',
      host: headers.host ?? headers.Host ?? 'localhost',
      requestUri: url,
      rewriting: false,
      headers: flatten(headers),
      body: Buffer.from(body),
      text: same,
    },
    response:
      hook.phase === 'response'
        ? {
            status: response.status ?? 200,
            headers: flatten(response.headers ?? {}),
            body: Buffer.from(response.body ?? ''),
            text: same,
          }
        : undefined,
    session: session && encodeSession(session),
    traceparent: undefined,
    deadlineMs: performance.now() + 5000,
  };
}

function constantsOf({ config = {}, ask }: TestCall): HookConstants {
  const say = (): void => {};
  return {
    config,
    apiId: 'test',
    orgId: 'test',
    log: { debug: say, info: say, warn: say, error: say },
    ask: async (service, args) => {
      if (ask === undefined) throw new Error(`this test has no gateway to ask for ${service}`);
      return ask(service, args);
    },
  };
}

function flatten(headers: Readonly<Record<string, string | readonly string[]>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).flatMap((one) => [canonicalName(name), one]),
  );
}
