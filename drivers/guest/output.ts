import type { Readable } from 'node:stream';
import type { HostLog, LogLevel } from '../driver.ts';

/**
 * What a guest prints and logs, on its way to the operator's log: so many lines a second, and no line longer than 8 KiB. What is
 * over is dropped and counted; a process that pours out more than 8 MiB in a second is made to wait for the next.
 */
export class GuestOutput {
  private readonly log: HostLog;
  private readonly name: string;
  private readonly maxLines: number;
  private windowMs = 0;
  private lines = 0;
  private bytes = 0;
  private dropped = 0;
  private ticking: NodeJS.Timeout | undefined;
  private readonly paused = new Set<Readable>();
  /** The last that the process said on stderr: when it dies, this tells why. */
  lastWords = '';

  constructor(name: string, log: HostLog, maxLinesPerSecond: number) {
    this.name = name;
    this.log = log;
    this.maxLines = maxLinesPerSecond;
  }

  /** Write one line, if this second has room for it. */
  line(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    this.turnWindow();
    if (this.lines++ < this.maxLines) {
      this.log(level, message.length > maxLineLength ? `${message.slice(0, maxLineLength)}...` : message, {
        guest: this.name,
        ...fields,
      });
    } else this.dropped++;
  }

  /** Take over a stream of the process, line by line. */
  capture(stream: Readable, level: LogLevel, source: 'stdout' | 'stderr'): void {
    const emit = (line: string): void => {
      if (source === 'stderr' && line !== '') this.lastWords = line.slice(0, maxLineLength);
      this.line(level, line, { source });
    };
    const lines = new LineCutter(emit);
    stream.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      this.turnWindow();
      this.bytes += chunk.length;
      if (this.bytes > maxBytesPerSecond) {
        stream.pause();
        this.paused.add(stream);
      }
    });
    stream.on('end', () => lines.end());
    stream.on('error', () => {});
  }

  close(): void {
    clearTimeout(this.ticking);
    this.reportDropped();
    for (const stream of this.paused) stream.resume();
  }

  private turnWindow(): void {
    const now = performance.now();
    if (now - this.windowMs < 1000) return;
    this.reportDropped();
    this.windowMs = now;
    this.lines = 0;
    this.bytes = 0;
    // Ends the window also when nothing more is said.
    this.ticking ??= setTimeout(() => {
      this.ticking = undefined;
      this.reportDropped();
      for (const stream of this.paused) stream.resume();
      this.paused.clear();
    }, 1000).unref();
  }

  private reportDropped(): void {
    if (this.dropped === 0) return;
    this.log('warn', `${this.name} said too much: ${this.dropped} lines of log dropped`, { guest: this.name });
    this.dropped = 0;
  }
}

const maxLineLength = 8 * 1024;
const maxBytesPerSecond = 8 * 1024 * 1024;
const newline = 0x0a;

/** Bytes into lines; of a line that does not end, only its begin is kept. */
class LineCutter {
  private readonly emit: (line: string) => void;
  private rest: Buffer = Buffer.alloc(0);

  constructor(emit: (line: string) => void) {
    this.emit = emit;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.flush(chunk.subarray(start, end));
      start = end + 1;
    }
    const room = maxLineLength + 1 - this.rest.length;
    if (start < chunk.length && room > 0) this.rest = Buffer.concat([this.rest, chunk.subarray(start, start + room)]);
  }

  end(): void {
    if (this.rest.length > 0) this.flush(Buffer.alloc(0));
  }

  private flush(tail: Buffer): void {
    const line = this.rest.length === 0 ? tail : Buffer.concat([this.rest, tail]);
    this.rest = Buffer.alloc(0);
    this.emit(line.toString('utf8', 0, maxLineLength + 1).replace(/\r$/, ''));
  }
}
