import type { OtlpSink } from '../../telemetry/otlp-sink.ts';
import { send } from '../peers/client.ts';
import { apiId, type Case, type Expectation, type Step, type Subject } from './case.ts';
import { isWritten } from './definitions.ts';
import { differencesOf } from './differences.ts';
import type { Language } from './language.ts';
import { beginTrace, type ClientTrace, traceDifferences, wantedHooks } from './trace.ts';
import type { Received, Upstream } from './upstream.ts';

/** A running gateway, and those that it talks with. */
export interface World {
  readonly port: number;
  readonly language: Language;
  readonly upstream: Upstream;
  readonly sink: OtlpSink;
}

/** Why a case fails; nothing when it does as it says. */
export async function runCase(world: World, subject: Subject, one: Case): Promise<string[]> {
  const api = subject.apis[one.api];
  if (api === undefined) throw new Error(`${subject.name} has no API "${one.api}"`);
  const reason = named(one.not, world.language);
  if (reason !== undefined && !isWritten(api, subject.plugin, world.language)) return [];
  const found: string[] = [];
  for (const [i, step] of (one.steps ?? [one]).entries()) {
    const problems = await runStep(world, subject, one, step);
    found.push(...problems.map((problem) => (one.steps === undefined ? problem : `request ${i + 1}: ${problem}`)));
  }
  if (reason === undefined) return found;
  return found.length > 0 ? [] : [`it does as the others do: take it out of "not" (${reason})`];
}

/** What a list by language says of this one. */
function named<Value>(list: Readonly<Record<string, Value>> | undefined, { names }: Language): Value | undefined {
  const name = names.find((known) => list?.[known] !== undefined);
  return name === undefined ? undefined : list?.[name];
}

let lastStep = 0;

async function runStep(world: World, subject: Subject, one: Case, step: Step): Promise<string[]> {
  const trace = beginTrace();
  const stepId = `step-${++lastStep}`;
  const upstream = world.upstream.expect(stepId, step.answers);
  const client = await sent(world, apiId(subject, one.api), step, stepId, trace);
  const outcome = { client, upstream };
  const common: Expectation = step;
  const own = named(step.differs, world.language);
  const expected: Expectation = own === undefined ? common : { ...common, ...own };
  const problems = differencesOf(expected, outcome);
  const hooks = wantedHooks(subject, one.api, expected.trace, world.language);
  problems.push(...(await traceDifferences(world.sink, trace, hooks)));
  if (own === undefined || problems.length > 0) return problems;
  const isNeedless = differencesOf(common, outcome).length === 0 && common.trace?.join() === expected.trace?.join();
  return isNeedless ? [`it does as the others do: take it out of "differs" (${own.why})`] : [];
}

async function sent(world: World, api: string, step: Step, stepId: string, trace: ClientTrace): Promise<Received> {
  const { method = 'GET', path = 'get', headers = {}, body, body64, repeat } = step.request ?? {};
  const asked = step.do === undefined ? {} : { 'X-Do': ascii(step.do) };
  const record = await send(world.port, {
    method,
    path: `/${api}/${path}`,
    headers: { ...headers, ...asked, 'X-Case': stepId, traceparent: trace.traceparent },
    ...(body !== undefined && { body }),
    ...(body64 !== undefined && { body64 }),
    ...(repeat !== undefined && { repeat }),
  });
  if (record.failed !== undefined) throw new Error(`the client got ${String(record.failed)}`);
  const text = record.body as string | { base64: string };
  return {
    status: record.status as number,
    headers: (record.headers as [string, string][]).map(([name, value]) => [name, utf8(value)]),
    body: typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.base64, 'base64'),
  };
}

function utf8(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
