import type { Lists } from '../store/store.ts';

export interface RecordWriterOptions {
  readonly lists: Lists;
  /** Records that may wait, those on their way to the store included. */
  readonly maxRecords: number;
  /** Lifetime of lists that have none; Infinity: for ever. */
  readonly expireMs: number;
  /** Spread the records over ten lists. */
  readonly multipleKeys: boolean;
  /** Nothing must have been dropped for this long before the log hears that all is well again. */
  readonly calmMs: number;
  readonly log: (level: 'info' | 'warn', message: string, fields?: Record<string, unknown>) => void;
}

/** How records have fared since the start. */
export interface RecordCounts {
  readonly written: number;
  readonly dropped: number;
}

/**
 * Takes records to the store in batches, without anybody waiting for it: what the store does not take at once, and what comes when too
 * many wait, is dropped and counted.
 */
export class RecordWriter implements RecordCounts {
  written = 0;
  dropped = 0;
  private readonly options: RecordWriterOptions;
  private queue: Buffer[] = [];
  /** Of all records that wait. */
  private bytes = 0;
  /** Records that the store has not answered for. */
  private sending = 0;
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  /** Dropped since all was well; the log is told of the first one, and of the end. */
  private lost = 0;
  private lostAtMs = 0;
  private batches = 0;

  constructor(options: RecordWriterOptions) {
    this.options = options;
  }

  push(record: Buffer): void {
    const { maxRecords } = this.options;
    if (this.queue.length + this.sending >= maxRecords || this.bytes + record.length > maxBytes) {
      return this.drop(1, `more than ${maxRecords} of them, or ${maxBytes >> 20} MiB, wait to be written`);
    }
    this.queue.push(record);
    this.bytes += record.length;
    this.timer ??= setTimeout(() => this.flush(), flushMs).unref();
  }

  /** Records that are lost, and why. */
  drop(count: number, reason: string): void {
    this.dropped += count;
    if (this.lost === 0) this.options.log('warn', `analytics records are dropped: ${reason}`);
    this.lost += count;
    this.lostAtMs = performance.now();
  }

  /** Write what waits; nothing waits for a store that does not answer. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.flushing;
    await this.send();
  }

  private flush(): void {
    this.timer = undefined;
    // A batch that is under way is answered for by the store's deadline.
    this.flushing = this.send().finally(() => {
      this.flushing = undefined;
      if (this.queue.length > 0) this.timer ??= setTimeout(() => this.flush(), flushMs).unref();
    });
  }

  private async send(): Promise<void> {
    const records = this.queue;
    if (records.length === 0 || this.sending > 0) return;
    this.queue = [];
    this.sending = records.length;
    const { lists, multipleKeys } = this.options;
    const key = multipleKeys ? `${listKey}_${this.batches++ % listCount}` : listKey;
    // All of them at once: one write to the connection, one wait.
    await Promise.all(
      batchesOf(records).map(async (batch) => {
        try {
          await lists.append(key, batch);
          this.written += batch.length;
          this.recovered();
        } catch (error) {
          this.drop(batch.length, (error as Error).message);
        } finally {
          this.sending -= batch.length;
          for (const record of batch) this.bytes -= record.length;
        }
      }),
    );
    await this.limitLife(key);
  }

  private async limitLife(key: string): Promise<void> {
    const { lists, expireMs } = this.options;
    if (!Number.isFinite(expireMs)) return;
    try {
      await lists.expireUnlessLimited(key, Math.ceil(expireMs / 1000));
    } catch {
      // The next batch tries again.
    }
  }

  private recovered(): void {
    if (this.lost === 0 || performance.now() - this.lostAtMs < this.options.calmMs) return;
    this.options.log('info', 'analytics records are written again', { dropped: this.lost });
    this.lost = 0;
  }
}

const listKey = 'analytics-tyk-system-analytics';
const listCount = 10;
const flushMs = 200;
/** Of records that wait: detailed ones may be large. */
const maxBytes = 64 << 20;
/** Of one command: others on the same connection do not wait long for it. */
const batchRecords = 500;
const batchBytes = 1 << 20;

function batchesOf(records: readonly Buffer[]): Buffer[][] {
  const batches: Buffer[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === batchRecords || bytes + record.length > batchBytes) {
      batches.push([record]);
      bytes = record.length;
    } else {
      batch.push(record);
      bytes += record.length;
    }
  }
  return batches;
}
