import type { HookReport } from '../../contract/plugin-set.ts';
import type { Message } from './frame.ts';

/** The version of docs/guest-protocol.md that this host speaks. */
export const protocolVersion = 1;

/** What a guest said of itself when it came up. */
export interface GuestLoaded {
  /** Of each hook, in the order of the `load` message. */
  readonly reports: readonly HookReport[];
  /** Program or engine and its version, for the operator: `perl 5.36.0`. */
  readonly language: string;
  /** Calls it wants at a time; further ones wait with the host. */
  readonly concurrency: number;
  /**
   * It runs calls one after the other, as they come, and has sent all answers of a frame before it begins the next: when it dies, calls
   * of later frames have not begun.
   */
  readonly inOrder: boolean;
  /** How it wants sessions: as `coprocess.SessionState` bytes, or as an object in the header. */
  readonly session: 'protobuf' | 'json';
}

/** What a guest says in `hello` and `loaded`. @throws {Error} when it is not what the protocol asks for. */
export function readLoaded(hello: Message, loaded: Message): GuestLoaded {
  const capabilities = { concurrency: 64, inOrder: false, session: 'json', ...(hello.capabilities as object) };
  const { session } = capabilities;
  const { concurrency = capabilities.concurrency, inOrder = capabilities.inOrder } = loaded;
  if (!Number.isInteger(concurrency) || (concurrency as number) < 1) {
    throw new Error(`its "concurrency" must be a positive integer, got ${JSON.stringify(concurrency)}`);
  }
  if (session !== 'json' && session !== 'protobuf') {
    throw new Error(`its "session" must be "json" or "protobuf", got ${JSON.stringify(session)}`);
  }
  if (!Array.isArray(loaded.hooks)) throw new Error('its "loaded" message has no "hooks"');
  return {
    reports: loaded.hooks.map(readReport),
    language: typeof hello.language === 'string' ? hello.language : 'unknown',
    concurrency: concurrency as number,
    inOrder: inOrder === true,
    session,
  };
}

function readReport(report: unknown): HookReport {
  const { ready, body, reason } = (report ?? {}) as Record<string, unknown>;
  if (ready === true) return { ready, body: body === 'none' ? 'none' : 'buffered' };
  return { ready: false, reason: typeof reason === 'string' ? reason : 'the guest did not say why' };
}
