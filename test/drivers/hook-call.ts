import type { HookCall } from '../../contract/call.ts';
import { Cancellation } from '../../contract/cancellation.ts';
import { HeaderList } from '../../contract/header-list.ts';
import type { HookSpec, HookType, PluginSet } from '../../contract/plugin-set.ts';
import { RequestMessage } from '../../contract/request-message.ts';
import { requestState } from '../../contract/request-state.ts';
import { ResponseMessage } from '../../contract/response-message.ts';
import { toByteString } from '../../contract/text.ts';
import { parseTarget } from '../../contract/url.ts';

export interface CallOptions {
  readonly method?: string;
  readonly url?: string;
  /** Target of a URL rewrite that is pending. */
  readonly rewrite?: string;
  /** Text; bytes that are not UTF-8 go in `rawHeaders`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly rawHeaders?: readonly string[];
  readonly body?: string | Buffer;
  readonly response?: { readonly status: number; readonly headers?: readonly string[]; readonly body?: string };
  readonly session?: Uint8Array;
  readonly timeoutMs?: number;
  readonly cancellation?: Cancellation;
  readonly traceparent?: string;
}

/** A call as a driver gets it. */
export function hookCall(options: CallOptions = {}): HookCall {
  const { method = 'GET', url = '/orders/1', headers = {}, rawHeaders = [], response, rewrite } = options;
  const raw = [...Object.entries(headers).flat().map(toByteString), ...rawHeaders];
  return {
    request: RequestMessage.of(
      requestState({
        method,
        url: parseTarget(url),
        rewrite: rewrite === undefined ? undefined : parseTarget(rewrite),
        host: 'api.example',
        headers: HeaderList.fromRaw(raw),
        body: Buffer.from(options.body ?? ''),
      }),
    ),
    response:
      response &&
      ResponseMessage.of({
        status: response.status,
        headers: HeaderList.fromRaw(response.headers ?? []),
        body: Buffer.from(response.body ?? ''),
      }),
    session: options.session,
    metadata: undefined,
    deadlineMs: performance.now() + (options.timeoutMs ?? 5000),
    cancellation: options.cancellation ?? new Cancellation(),
    trace: options.traceparent === undefined ? undefined : { traceparent: options.traceparent },
  };
}

/** A plugin set of one driver: `['stamp', 'pre', 'stamp.ts']` per hook. */
export function pluginSet(
  driver: string,
  hooks: readonly (readonly [name: string, type: HookType, path: string, options?: Partial<HookSpec>])[],
  options: Partial<PluginSet> = {},
): PluginSet {
  return {
    digest: options.apiId ?? 'orders',
    apiId: 'orders',
    orgId: 'acme',
    hooks: hooks.map(([name, type, path, rest], index) => ({
      index,
      type,
      driver,
      name,
      path,
      rawBodyOnly: false,
      requireSession: false,
      timeoutMs: 5000,
      onError: 'reject',
      ...rest,
    })),
    ...options,
  };
}
