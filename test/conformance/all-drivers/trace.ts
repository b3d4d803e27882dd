import { randomBytes } from 'node:crypto';
import type { OtlpSink, SunkSpan } from '../../telemetry/otlp-sink.ts';
import { hooksOf, type Step, type Subject } from './case.ts';
import type { Language } from './language.ts';

/** A trace that a client began. */
export interface ClientTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
}

export function beginTrace(): ClientTrace {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

/**
 * What of a request's trace is not as expected: a hook that ran is a span with its name, phase, driver and outcome, in their order, whose
 * parent is the request's server span; a call to a plugin server is a span inside of its hook's.
 */
export async function traceDifferences(
  sink: OtlpSink,
  { traceId, spanId }: ClientTrace,
  wanted: readonly string[],
): Promise<string[]> {
  const ofTrace = (spans: readonly SunkSpan[]): SunkSpan[] => spans.filter((span) => span.traceId === traceId);
  let spans: SunkSpan[] = [];
  await sink
    .waitFor((all) => {
      spans = ofTrace(all);
      // Hooks end before the request and are sent before it; the coprocess sends its own, when it likes.
      const isWhole = (hook: SunkSpan): boolean => !isAnsweredByServer(hook) || callsIn(hook, spans) > 0;
      return spans.some(({ kind }) => kind === 'server') && spans.filter(isHook).every(isWhole);
    }, 5000)
    .catch(() => {});
  const server = spans.find(({ kind }) => kind === 'server');
  if (server === undefined) return ['trace: the request is no span'];
  const found: string[] = [];
  if (server.parentSpanId !== spanId) found.push("trace: the request's span does not hang from the client's");
  const hooks = spans.filter(isHook).sort((a, b) => Number(a.startNs - b.startNs));
  const had = hooks.map(described);
  if (had.join('\n') !== wanted.join('\n')) {
    found.push(`trace: want ${wanted.join(', ') || 'no hooks'}, have ${had.join(', ') || 'no hooks'}`);
  }
  for (const hook of hooks) {
    if (hook.parentSpanId !== server.spanId) found.push(`trace: ${hook.name} does not hang from the request's span`);
    const inside = callsIn(hook, spans);
    if (isAnsweredByServer(hook) && inside !== 1) {
      found.push(`trace: ${inside} calls to the plugin server inside of ${hook.name}`);
    }
  }
  return found;
}

function isHook({ attributes }: SunkSpan): boolean {
  return 'interpose.hook.name' in attributes;
}

function isAnsweredByServer({ attributes }: SunkSpan): boolean {
  return attributes['interpose.hook.driver'] === 'grpc' && attributes['interpose.hook.outcome'] !== 'failure';
}

/** How many calls to a plugin server have their spans inside of a hook's. */
function callsIn(hook: SunkSpan, spans: readonly SunkSpan[]): number {
  return spans.filter((span) => span.name === 'coprocess.Dispatcher/Dispatch' && span.parentSpanId === hook.spanId)
    .length;
}

function described({ name, attributes }: SunkSpan): string {
  const of = (key: string): string => String(attributes[`interpose.hook.${key}`]);
  return `${name} ${of('phase')} ${of('driver')} ${of('outcome')}`;
}

/** The hooks of a step as {@link traceDifferences} wants them: `name phase driver outcome`. */
export function wantedHooks({ apis }: Subject, api: string, trace: Step['trace'], language: Language): string[] {
  const known = (name: string): ReturnType<typeof hooksOf> =>
    hooksOf(apis[name] ?? {}).filter(({ entry }) => entry.disabled !== true);
  const hooks = known(api);
  let at = 0;
  return (trace ?? hooks.map(({ entry }) => entry.name)).map((one) => {
    const [place = '', outcome = 'continue'] = one.split(' ');
    const [name, other] = place.split('.').reverse();
    if (other === undefined) while (at < hooks.length && hooks[at]?.entry.name !== name) at++;
    const hook = other === undefined ? hooks[at++] : known(other).find(({ entry }) => entry.name === name);
    if (hook === undefined) throw new Error(`the API has no hook "${place}" at this place`);
    return `${name} ${hook.phase} ${hook.entry.driver ?? language.driver} ${outcome}`;
  });
}
