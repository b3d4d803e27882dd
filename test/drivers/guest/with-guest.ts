import { Cancellation } from '../../../contract/cancellation.ts';
import { createGuest, type Guest, type GuestAnswer, type GuestOptions } from '../../../drivers/guest/index.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** A host that keeps what is logged, and lets a test wait for a line. */
export class RecordingHost {
  readonly lines: LogLine[] = [];
  private readonly waiting: { found: (line: LogLine) => boolean; resolve: (line: LogLine) => void }[] = [];

  readonly log = (level: string, message: string, fields?: Record<string, unknown>): void => {
    const line = { level, message, fields };
    this.lines.push(line);
    for (const waiter of this.waiting) if (waiter.found(line)) waiter.resolve(line);
  };

  async request(service: string, args: unknown): Promise<unknown> {
    if (service === 'storage.get') return { found: (args as { key: string }).key };
    throw new Error(`no service ${service}`);
  }

  /** The first such line, now or within 5 s. */
  async line(found: (line: LogLine) => boolean): Promise<LogLine> {
    const known = this.lines.find(found);
    if (known !== undefined) return known;
    let timer: NodeJS.Timeout | undefined;
    const line = new Promise<LogLine>((resolve, reject) => {
      this.waiting.push({ found, resolve });
      timer = setTimeout(() => reject(new Error(`no such line in ${JSON.stringify(this.lines)}`)), 5000);
    });
    return line.finally(() => clearTimeout(timer));
  }
}

export interface Faults {
  readonly guest: Guest;
  readonly host: RecordingHost;
  /** Have the guest do something: see faulty-guest.mjs. */
  ask(deed: string, options?: AskOptions): Promise<GuestAnswer>;
}

export interface AskOptions {
  readonly timeoutMs?: number;
  readonly parts?: readonly Uint8Array[];
  readonly cancellation?: Cancellation;
  readonly members?: object;
}

/** A guest that misbehaves on demand; `options.load` tells it how to come up. */
export async function withFaultyGuest(
  options: Partial<GuestOptions>,
  use: (faults: Faults) => Promise<void>,
): Promise<void> {
  const host = new RecordingHost();
  const guest = createGuest({
    name: 'test guest',
    command: process.execPath,
    args: [new URL('faulty-guest.mjs', import.meta.url).pathname],
    load: {},
    host,
    ...options,
  });
  try {
    await use({
      guest,
      host,
      ask: (deed, { timeoutMs = 5000, parts = [], cancellation = new Cancellation(), members = {} } = {}) =>
        guest.call({
          members: JSON.stringify({ hook: 0, deed, ...members }).slice(1, -1),
          parts,
          deadlineMs: performance.now() + timeoutMs,
          cancellation,
        }),
    });
  } finally {
    await guest.close();
  }
}

/** The failure that a promise ends in. */
export async function failure(promise: Promise<unknown>): Promise<{ reason: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { reason: string; message: string };
  }
  throw new Error('it was expected to fail');
}
