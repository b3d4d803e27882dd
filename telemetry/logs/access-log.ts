import { performance } from 'node:perf_hooks';
import type { HookOutcome } from '../../contract/answer.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Logger } from './logger.ts';

/** A hook as the access log tells it. */
interface HookEntry {
  readonly name: string;
  readonly phase: string;
  readonly driver: string;
  readonly queueUs: number;
  readonly wireUs: number;
  readonly runUs: number;
  /** Why it gave no usable answer. */
  readonly failure?: string;
}

/** What is gathered about a request while it runs. */
interface Gathered {
  hooks: HookEntry[] | undefined;
  upstreamMs: number | undefined;
}

/** One line per request. Only made where it is asked for: it is the dearest thing that telemetry does for an ordinary request. */
export class AccessLog {
  private readonly logger: Logger;
  private readonly gathered = new WeakMap<Exchange, Gathered>();

  constructor(logger: Logger) {
    this.logger = logger;
  }

  hooks(exchange: Exchange, hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void {
    const gathered = this.gather(exchange);
    gathered.hooks ??= [];
    for (let i = 0; i < outcomes.length; i++) {
      gathered.hooks.push(entryOf(hooks[i] as HookSpec, outcomes[i] as HookOutcome));
    }
  }

  upstream(exchange: Exchange, headMs: number): void {
    this.gather(exchange).upstreamMs = headMs;
  }

  /** @param client the peer's address */
  finish(exchange: Exchange, status: number, client: string | undefined): void {
    const { request, span } = exchange;
    const target = request.url ?? '';
    const query = target.indexOf('?');
    const gathered = this.gathered.get(exchange);
    this.logger.write('request', {
      method: request.method,
      // Without its query, which may hold keys.
      path: query < 0 ? target : target.slice(0, query),
      protocol: `HTTP/${request.httpVersion}`,
      status,
      durationMs: milliseconds(performance.now() - exchange.startedMs),
      upstreamMs: gathered?.upstreamMs === undefined ? undefined : milliseconds(gathered.upstreamMs),
      api: exchange.api.id,
      hooks: gathered?.hooks,
      client,
      requestId: exchange.id,
      traceId: span?.traceId,
    });
  }

  private gather(exchange: Exchange): Gathered {
    let gathered = this.gathered.get(exchange);
    if (gathered === undefined) {
      gathered = { hooks: undefined, upstreamMs: undefined };
      this.gathered.set(exchange, gathered);
    }
    return gathered;
  }
}

function entryOf(hook: HookSpec, { timing, failure }: HookOutcome): HookEntry {
  const { queueUs, wireUs, runUs } = timing;
  const entry = { name: hook.name, phase: hook.type, driver: hook.driver, queueUs, wireUs, runUs };
  return failure === undefined ? entry : { ...entry, failure: failure.reason };
}

/** To the microsecond. */
function milliseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
