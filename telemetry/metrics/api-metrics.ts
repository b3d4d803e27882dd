import type { HookOutcome } from '../../contract/answer.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import type { Families } from './families.ts';
import type { Value } from './family.ts';
import type { Histogram } from './histogram.ts';

/** Methods that are told apart; all others are one, for a client could invent any number of them. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY', 'OTHER'];
const methodNumbers = new Map(methods.map((method, i) => [method, i]));
const otherMethod = methods.length - 1;
/** Larger than any status. */
const statuses = 1000;

/** Counts for one API. Everything that labels decide is looked up when the first request comes; afterwards it is additions. */
export class ApiMetrics {
  private readonly families: Families;
  private readonly apiId: string;
  private readonly inFlight: Value;
  private readonly duration: Histogram;
  private readonly upstreamDuration: Histogram;
  /** By method and status. */
  private readonly requests = new Map<number, Value>();
  /** By `HookSpec.index`. */
  private readonly hookMetrics: HookMetrics[] = [];

  constructor(families: Families, apiId: string) {
    this.families = families;
    this.apiId = apiId;
    this.inFlight = families.inFlight.child(apiId);
    this.duration = families.requestDuration.child(apiId);
    this.upstreamDuration = families.upstreamDuration.child(apiId);
  }

  begin(): void {
    this.inFlight.value++;
  }

  finish(method: string, status: number, durationMs: number): void {
    this.inFlight.value--;
    this.duration.observe(durationMs / 1000);
    const number = methodNumbers.get(method) ?? otherMethod;
    const key = number * statuses + status;
    let count = this.requests.get(key);
    if (count === undefined) {
      count = this.families.requests.child(this.apiId, methods[number] as string, String(status));
      this.requests.set(key, count);
    }
    count.value++;
  }

  upstream(headMs: number): void {
    this.upstreamDuration.observe(headMs / 1000);
  }

  upstreamFailed(reason: string): void {
    this.families.upstreamFailures.child(this.apiId, reason).value++;
  }

  hooks(hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void {
    for (let i = 0; i < outcomes.length; i++) {
      const hook = hooks[i] as HookSpec;
      let metrics = this.hookMetrics[hook.index];
      if (metrics === undefined) {
        metrics = new HookMetrics(this.families, this.apiId, hook);
        this.hookMetrics[hook.index] = metrics;
      }
      metrics.count(outcomes[i] as HookOutcome);
    }
  }
}

class HookMetrics {
  private readonly families: Families;
  private readonly labels: readonly [string, string, string, string];
  private readonly continued: Value;
  private readonly replied: Value;
  private readonly failed: Value;
  private readonly queue: Histogram;
  private readonly wire: Histogram;
  private readonly run: Histogram;

  constructor(families: Families, apiId: string, hook: HookSpec) {
    const labels = [apiId, hook.type, hook.name, hook.driver] as const;
    this.families = families;
    this.labels = labels;
    this.continued = families.hookCalls.child(...labels, 'continue');
    this.replied = families.hookCalls.child(...labels, 'reply');
    this.failed = families.hookCalls.child(...labels, 'failure');
    this.queue = families.hookQueue.child(...labels);
    this.wire = families.hookWire.child(...labels);
    this.run = families.hookRun.child(...labels);
  }

  count({ answer, failure, timing }: HookOutcome): void {
    if (failure !== undefined) {
      this.failed.value++;
      this.families.hookFailures.child(...this.labels, failure.reason).value++;
    } else if (answer?.reply !== undefined) this.replied.value++;
    else this.continued.value++;
    this.queue.observe(timing.queueUs / 1e6);
    this.wire.observe(timing.wireUs / 1e6);
    this.run.observe(timing.runUs / 1e6);
  }
}
