import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hookContext, isSampled } from '../../../contract/trace.ts';
import type { Parent } from '../../../telemetry/trace/parent.ts';
import { createPropagation } from '../../../telemetry/trace/propagation.ts';

const propagation = suite('propagation');

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const sampled = { traceparent: `00-${traceId}-${spanId}-01` };

function parent(changes: Partial<Parent> = {}): Parent {
  return { traceId, spanId, sampled: true, tracestate: undefined, ...changes };
}

propagation('traceparent is read as W3C wants it', () => {
  const { read } = createPropagation(['tracecontext']);
  const one = (value: string): Parent | undefined => read(['Host', 'a', 'TraceParent', value]);
  assert.equal(one(`00-${traceId}-${spanId}-01`), parent());
  assert.equal(one(`00-${traceId}-${spanId}-00`), parent({ sampled: false }));
  assert.equal(one(`00-${traceId}-${spanId}-03`), parent(), 'flags of later versions');
  assert.equal(one(`cc-${traceId}-${spanId}-01-what-ever`), parent(), 'a later version');
  for (const broken of [
    '',
    'junk',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}`,
  ]) {
    assert.is(one(broken), undefined, broken);
  }
  const twice = ['traceparent', `00-${traceId}-${spanId}-01`, 'traceparent', `00-${traceId}-${spanId}-01`];
  assert.is(read(twice), undefined, 'two are none');
});

propagation('tracestate headers are joined, and too long ones dropped', () => {
  const { read } = createPropagation(['tracecontext']);
  const headers = ['traceparent', `00-${traceId}-${spanId}-01`, 'tracestate', 'a=1', 'Tracestate', 'b=2'];
  assert.is(read(headers)?.tracestate, 'a=1,b=2');
  assert.is(read([...headers.slice(0, 2), 'tracestate', 'a='.padEnd(513, 'x')])?.tracestate, undefined);
});

propagation('B3 is read from one header and from several', () => {
  const { read } = createPropagation(['b3']);
  assert.equal(read(['b3', `${traceId}-${spanId}-1`]), parent());
  assert.equal(read(['b3', `${traceId}-${spanId}-d-05e3ac9a4f6e3b90`]), parent(), 'debug means sampled');
  assert.equal(read(['B3', `${traceId}-${spanId}-0`]), parent({ sampled: false }));
  assert.equal(read(['b3', `${traceId}-${spanId}`]), parent({ sampled: undefined }), 'left to us');
  assert.equal(read(['b3', '0']), parent({ traceId: '', spanId: '', sampled: false }));
  assert.is(read(['b3', `${traceId}-zz`]), undefined);
  const several = ['X-B3-TraceId', '8448EB211C80319C', 'X-B3-SpanId', spanId];
  const short = parent({ traceId: '00000000000000008448eb211c80319c' });
  assert.equal(read([...several, 'X-B3-Sampled', '1']), short, '64 bits are filled up');
  assert.equal(read([...several, 'X-B3-Sampled', 'false']), { ...short, sampled: false });
  assert.equal(read([...several, 'X-B3-Flags', '1']), short);
  assert.equal(read(['X-B3-Sampled', '0']), parent({ traceId: '', spanId: '', sampled: false }));
  assert.is(read(['X-B3-Sampled', '1']), undefined);
});

propagation('contexts go out in every configured format, and take the place of what came in', () => {
  const both = createPropagation(['tracecontext', 'b3']);
  assert.equal(both.traceHeaders(sampled), ['Traceparent', sampled.traceparent, 'B3', `${traceId}-${spanId}-1`]);
  for (const name of ['traceparent', 'TraceState', 'b3', 'X-B3-TraceId', 'x-b3-sampled']) {
    assert.ok(both.isTraceHeader(name), name);
  }
  assert.not(both.isTraceHeader('baggage'));
  const multi = createPropagation(['b3multi']);
  assert.equal(multi.traceHeaders(sampled), ['X-B3-Traceid', traceId, 'X-B3-Spanid', spanId, 'X-B3-Sampled', '1']);
  assert.not(multi.isTraceHeader('traceparent'));
  assert.equal(createPropagation([]).traceHeaders(sampled), []);
});

propagation('of several parents the format named last wins, if it is there at all', () => {
  const { read } = createPropagation(['tracecontext', 'b3']);
  const other = '1'.repeat(32);
  const w3c = ['traceparent', sampled.traceparent];
  assert.is(read([...w3c, 'b3', `${other}-${spanId}-1`])?.traceId, other);
  assert.is(read(w3c)?.traceId, traceId);
});

propagation('hooks of a run have contexts of their own, which both sides work out alike', () => {
  assert.is(hookContext(sampled, 0), sampled);
  assert.is(hookContext(sampled, 1).traceparent, `00-${traceId}-b7ad6b7169203332-01`);
  const last = { traceparent: `00-${traceId}-b7ad6b716920ffff-01`, tracestate: 'a=1' };
  assert.equal(hookContext(last, 1), { traceparent: `00-${traceId}-b7ad6b7169200000-01`, tracestate: 'a=1' });
  const unsampled = { traceparent: `00-${traceId}-${spanId}-00` };
  assert.is(hookContext(unsampled, 5), unsampled);
});

propagation('the flag of a context says whether it is sampled', () => {
  const ends = (flags: string) => isSampled({ traceparent: `00-${traceId}-${spanId}-${flags}` });
  for (const flags of ['01', '03', '09', '0b', '0f']) assert.ok(ends(flags), flags);
  for (const flags of ['00', '02', '0a', '0e']) assert.not(ends(flags), flags);
  assert.not(isSampled(undefined));
  assert.not(isSampled({ traceparent: 'junk' }));
});

propagation.run();
