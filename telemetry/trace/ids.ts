import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace';

/** Random ids, but for spans whose id was settled before they were made: the spans of hooks (contract/trace.ts). */
export class SpanIds implements IdGenerator {
  private readonly random = new RandomIdGenerator();
  /** Id of the next span; used once. */
  next: string | undefined;

  generateTraceId(): string {
    return this.random.generateTraceId();
  }

  generateSpanId(): string {
    const settled = this.next;
    this.next = undefined;
    return settled ?? this.random.generateSpanId();
  }
}
