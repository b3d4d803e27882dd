import type { HeaderPair, Reply } from './answer.ts';
import { PluginFailure } from './failure.ts';
import { isUtf8ByteString } from './text.ts';
import type { WireReader } from './wire/reader.ts';

/** Message of an error reply that says nothing itself. */
export const defaultRefusal = 'Key not authorised';

/** What a plugin put into `return_overrides`; texts are byte strings. */
export interface Overrides {
  readonly code: number;
  readonly error: string;
  readonly body: string;
  readonly headers: readonly HeaderPair[];
  readonly overrideError: boolean;
}

/**
 * What overrides mean (spec/coprocess-contract §3.2): nothing up to code 0, a reply as it is below 400 or with `override_error`, else an
 * error by template. `response_error` wins over `response_body`.
 * @throws {PluginFailure} `REPLY_INVALID` for a code that is no HTTP status; the original drops the connection there.
 */
export function replyOf(overrides: Overrides): Reply | undefined {
  const { code } = overrides;
  if (code <= 0) return undefined;
  const status = finalStatus(code);
  const template = code >= 400 && !overrides.overrideError;
  const text = overrides.error !== '' ? overrides.error : overrides.body;
  return {
    status,
    headers: overrides.headers,
    body: Buffer.from(template && text === '' ? defaultRefusal : text, 'latin1'),
    template,
  };
}

/**
 * The status that ends the exchange. Codes from 100 to 199 announce a reply and are none: what follows them is a 200, as recorded of 100.
 * @throws {PluginFailure} `REPLY_INVALID` for a code that is no HTTP status, and for 101, which would leave the client without any reply.
 */
export function finalStatus(code: number): number {
  if (code < 100 || code > 999 || code === 101)
    throw new PluginFailure('REPLY_INVALID', `the hook replied with code ${code}, which is no HTTP status of a reply`);
  return Math.max(code, 200);
}

/** Read a `coprocess.ReturnOverrides`. */
export function readOverrides(reader: WireReader): Reply | undefined {
  let [code, error, body, overrideError] = [0, '', '', false];
  const headers: HeaderPair[] = [];
  while (reader.next()) {
    if (reader.field === 1) code = reader.int32();
    else if (reader.field === 2) error = reader.string();
    else if (reader.field === 3) headers.push(reader.mapEntry());
    else if (reader.field === 4) overrideError = reader.bool();
    else if (reader.field === 5) body = reader.string();
    else reader.skip();
  }
  let utf8 = isUtf8ByteString(error) && isUtf8ByteString(body);
  for (const [name, value] of headers) utf8 = utf8 && isUtf8ByteString(name) && isUtf8ByteString(value);
  if (!utf8) throw new PluginFailure('HOOK_THREW', 'the reply holds text that is not UTF-8');
  return replyOf({ code, error, body, headers, overrideError });
}
