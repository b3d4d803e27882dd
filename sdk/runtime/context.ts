import type { PluginLog, ResponseContext } from '../context.ts';
import type { SentRequest } from '../message.ts';
import type { Session } from '../session.ts';
import { HookRequest } from './request.ts';
import { decodeSession } from './session.ts';
import type { CallSource } from './source.ts';

/** What is the same in every call of a hook. */
export interface HookConstants {
  readonly config: Readonly<Record<string, unknown>>;
  readonly log: PluginLog;
  readonly apiId: string;
  readonly orgId: string;
  readonly ask: (service: string, args?: unknown) => Promise<unknown>;
}

/** The context of one call. Most hooks ask for one or two of these, so each is made when asked for. */
export class HookContext implements ResponseContext {
  private readonly constants: HookConstants;
  private readonly source: CallSource;
  private controller: AbortController | undefined;
  private cancelled: Error | undefined;
  private decoded: Session | undefined;

  constructor(constants: HookConstants, source: CallSource) {
    this.constants = constants;
    this.source = source;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.constants.config;
  }

  get log(): PluginLog {
    return this.constants.log;
  }

  get apiId(): string {
    return this.constants.apiId;
  }

  get orgId(): string {
    return this.constants.orgId;
  }

  get traceparent(): string | undefined {
    return this.source.traceparent;
  }

  get deadlineMs(): number {
    return Date.now() + this.source.deadlineMs - performance.now();
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.cancelled !== undefined) this.controller.abort(this.cancelled);
    return this.controller.signal;
  }

  get session(): Session | undefined {
    if (this.source.session === undefined) return undefined;
    this.decoded ??= decodeSession(this.source.session);
    return this.decoded;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.session?.metadata ?? {};
  }

  get request(): SentRequest {
    return new HookRequest(this.source.request, 'none');
  }

  get ask(): (service: string, args?: unknown) => Promise<unknown> {
    return this.constants.ask;
  }

  /** Nobody waits for the hook any more. */
  cancel(why: string): void {
    this.cancelled = new Error(why);
    this.controller?.abort(this.cancelled);
  }
}
