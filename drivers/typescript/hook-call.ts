import type { HookCall } from '../../contract/call.ts';
import { type RequestState, visibleMethod, visibleUrl } from '../../contract/request-state.ts';
import type { ResponseState } from '../../contract/response-state.ts';
import { fromByteString } from '../../contract/text.ts';
import type { CallSource, RequestSource, ResponseSource } from '../../sdk/runtime/source.ts';

/** The coprocess's own call, as the runtime wants it: nothing is copied, strings are byte strings. */
export class StateCall implements CallSource {
  private readonly call: HookCall;
  readonly request: StateRequest;

  constructor(call: HookCall) {
    this.call = call;
    this.request = new StateRequest(call.request.state);
  }

  get response(): ResponseSource | undefined {
    return this.call.response && new StateResponse(this.call.response.state);
  }

  get session(): Uint8Array | undefined {
    return this.call.session;
  }

  get traceparent(): string | undefined {
    return this.call.trace?.traceparent;
  }

  get deadlineMs(): number {
    return this.call.deadlineMs;
  }
}

class StateRequest implements RequestSource {
  private readonly state: RequestState;

  constructor(state: RequestState) {
    this.state = state;
  }

  get method(): string {
    return visibleMethod(this.state);
  }

  get url(): string {
    return visibleUrl(this.state);
  }

  get scheme(): 'http' | 'https' {
    return this.state.scheme;
  }

  get host(): string {
    return this.state.host;
  }

  get requestUri(): string {
    return this.state.requestUri;
  }

  get rewriting(): boolean {
    return this.state.rewrite !== undefined;
  }

  get headers(): readonly string[] {
    return this.state.headers.raw();
  }

  get body(): Buffer {
    return this.state.body;
  }

  text(raw: string): string {
    return fromByteString(raw);
  }
}

class StateResponse implements ResponseSource {
  private readonly state: ResponseState;

  constructor(state: ResponseState) {
    this.state = state;
  }

  get status(): number {
    return this.state.status;
  }

  get headers(): readonly string[] {
    return this.state.headers.raw();
  }

  get body(): Buffer {
    return this.state.body;
  }

  text(raw: string): string {
    return fromByteString(raw);
  }
}
