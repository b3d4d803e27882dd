import type { SentRequest } from './message.ts';
import type { Session } from './session.ts';

/** What a hook knows beside its message. */
export interface PluginContext {
  /** The API definition's `config_data`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly log: PluginLog;
  /** Aborted when nobody waits for the hook any more: its deadline has passed, or the client has gone. */
  readonly signal: AbortSignal;
  /** When that is at the latest, in milliseconds since the epoch, as `Date.now()` counts. */
  readonly deadlineMs: number;
  readonly apiId: string;
  readonly orgId: string;
  /** W3C trace context to hand on with calls of your own; absent when there is none. */
  readonly traceparent: string | undefined;
  /** Ask the gateway for a service, such as `storage.get`. Rejects with what it says when it refuses. */
  readonly ask: (service: string, args?: unknown) => Promise<unknown>;
}

/** Hooks that run after authentication also know the caller. */
export interface SessionContext extends PluginContext {
  /** Absent when the API is open to everyone. It cannot be changed: only the `auth` hook makes sessions. */
  readonly session: Session | undefined;
  /** The session's metadata; empty without a session. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ResponseContext extends SessionContext {
  readonly request: SentRequest;
}

/** Writes to the gateway's log. */
export interface PluginLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
