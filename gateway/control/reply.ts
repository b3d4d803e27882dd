/** What the control API is asked. */
export interface ControlRequest {
  readonly method: string;
  /** Without a trailing slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

export interface ControlReply {
  readonly status: number;
  readonly body: Buffer | string;
  readonly contentType: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export function json(code: number, body: unknown): ControlReply {
  return { status: code, body: `${JSON.stringify(body)}\n`, contentType: 'application/json' };
}

/** The shape in which the control API says yes and no. */
export function status(code: number, state: 'ok' | 'error', message: string): ControlReply {
  return json(code, { status: state, message });
}
