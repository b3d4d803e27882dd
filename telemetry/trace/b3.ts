import type { HeaderFormat } from './header-format.ts';
import type { Parent } from './parent.ts';
import { rawHeader } from './raw-header.ts';

// https://github.com/openzipkin/b3-propagation. Both encodings are read whichever is configured, and one is written.

const singleForm = /^([\da-f]{32}|[\da-f]{16})-([\da-f]{16})(?:-([01d]))?(?:-[\da-f]{16})?$/i;
const traceIdForm = /^(?:[\da-f]{32}|[\da-f]{16})$/i;
const spanIdForm = /^[\da-f]{16}$/i;
const zeros = /^0+$/;

const fields: readonly string[] = [
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
];

export const b3Single: HeaderFormat = {
  fields,
  read,
  write(context, headers) {
    headers.push('B3', `${context.traceId}-${context.spanId}-${context.sampled ? '1' : '0'}`);
  },
};

export const b3Multi: HeaderFormat = {
  fields,
  read,
  write(context, headers) {
    headers.push('X-B3-Traceid', context.traceId, 'X-B3-Spanid', context.spanId);
    headers.push('X-B3-Sampled', context.sampled ? '1' : '0');
  },
};

function read(rawHeaders: readonly string[]): Parent | undefined {
  const single = rawHeader(rawHeaders, 'b3');
  return single === undefined ? readMulti(rawHeaders) : readSingle(single);
}

function readSingle(text: string): Parent | undefined {
  if (text === '0') return denied;
  const parts = singleForm.exec(text);
  return parts === null ? undefined : parent(parts[1] as string, parts[2] as string, parts[3]);
}

function readMulti(rawHeaders: readonly string[]): Parent | undefined {
  const flag = rawHeader(rawHeaders, 'x-b3-flags') === '1' ? 'd' : rawHeader(rawHeaders, 'x-b3-sampled');
  const traceId = rawHeader(rawHeaders, 'x-b3-traceid');
  const spanId = rawHeader(rawHeaders, 'x-b3-spanid');
  if (traceId === undefined || spanId === undefined) return flag === '0' || flag === 'false' ? denied : undefined;
  if (!traceIdForm.test(traceId) || !spanIdForm.test(spanId)) return undefined;
  return parent(traceId, spanId, flag);
}

/** "Do not trace me", from a caller that has no trace itself. */
const denied: Parent = { traceId: '', spanId: '', sampled: false, tracestate: undefined };

function parent(traceId: string, spanId: string, flag: string | undefined): Parent | undefined {
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined;
  return {
    traceId: traceId.toLowerCase().padStart(32, '0'),
    spanId: spanId.toLowerCase(),
    // Older callers write true and false.
    sampled: flag === undefined ? undefined : flag !== '0' && flag !== 'false',
    tracestate: undefined,
  };
}
