import type { TraceContext } from '../../contract/call.ts';
import type { TraceHeaders } from '../../gateway/telemetry/tracing.ts';
import { b3Multi, b3Single } from './b3.ts';
import type { HeaderFormat } from './header-format.ts';
import { type Parent, parentOf, traceContext } from './parent.ts';
import { rawHeader } from './raw-header.ts';

/** All formats in use (`OTEL_PROPAGATORS`). */
export interface Propagation extends TraceHeaders {
  /** Where several formats name a parent, the last one named in the configuration wins, as in OpenTelemetry. */
  readonly read: (rawHeaders: readonly string[]) => Parent | undefined;
}

/** https://www.w3.org/TR/trace-context/. Longer values belong to later versions, whose first four parts are the same. */
const traceparentForm = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** What the specification asks everyone to pass on at least; longer ones are dropped whole. */
const maxTracestateLength = 512;

const traceContextFormat: HeaderFormat = {
  fields: ['traceparent', 'tracestate'],
  read(rawHeaders) {
    const text = rawHeader(rawHeaders, 'traceparent');
    const parts = text === undefined ? null : traceparentForm.exec(text);
    if (parts === null || (parts[1] === '00' && parts[5] !== undefined)) return undefined;
    const state = rawHeader(rawHeaders, 'tracestate');
    return {
      traceId: parts[2] as string,
      spanId: parts[3] as string,
      sampled: (Number.parseInt(parts[4] as string, 16) & 1) === 1,
      tracestate: state === undefined || state === '' || state.length > maxTracestateLength ? undefined : state,
    };
  },
  write({ traceId, spanId, sampled, tracestate }, headers) {
    headers.push('Traceparent', traceContext(traceId, spanId, sampled === true, undefined).traceparent);
    if (tracestate !== undefined) headers.push('Tracestate', tracestate);
  },
};

const formats: Readonly<Record<string, HeaderFormat>> = {
  tracecontext: traceContextFormat,
  b3: b3Single,
  b3multi: b3Multi,
};

/** Names that `OTEL_PROPAGATORS` may have here, beside `none` and `baggage` (which is a header like any other to a gateway). */
export const propagatorNames: readonly string[] = Object.keys(formats);

export function createPropagation(names: readonly string[]): Propagation {
  const used = names.map((name) => formats[name]).filter((format) => format !== undefined);
  const fields = new Set(used.flatMap((format) => format.fields));
  const lengths = new Set([...fields].map((field) => field.length));
  return {
    read(rawHeaders) {
      let parent: Parent | undefined;
      for (const format of used) parent = format.read(rawHeaders) ?? parent;
      return parent;
    },
    isTraceHeader: (name) => lengths.has(name.length) && fields.has(name.toLowerCase()),
    traceHeaders(context: TraceContext) {
      const parent = parentOf(context);
      const headers: string[] = [];
      for (const format of used) format.write(parent, headers);
      return headers;
    },
  };
}
