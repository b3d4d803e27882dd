import pino, { type DestinationStream } from 'pino';
import type { Log as LogConfiguration } from '../../gateway/configuration/index.ts';
import type { Log, LogLevel } from './log.ts';
import { redacted } from './redact.ts';
import { textLine } from './text-line.ts';

export interface LoggerOptions extends Pick<LogConfiguration, 'level' | 'format'> {
  /** @default standard output */
  readonly destination?: DestinationStream;
}

export interface Logger {
  /** Secrets among the fields are censored by name, errors become text with their causes. */
  readonly log: Log;
  /** Whether lines of a level are written: ask before making costly fields. */
  readonly isWritten: (level: LogLevel) => boolean;
  /** The same with fields that go onto every line. */
  with(fields: Record<string, unknown>): Logger;
  /** A line at level info whose fields are known to hold no secrets. */
  write(message: string, fields: object): void;
  /** Write what is waiting. */
  flush(): void;
}

/** Log as JSON lines (`time`, `level`, `message` and fields) or as lines for people. */
export function createLogger(options: LoggerOptions): Logger {
  // Waiting for the disk or a pipe at each line would hold up requests; what is left is written when the process ends.
  const output = options.destination ?? pino.destination({ dest: 1, sync: false });
  const stream: DestinationStream =
    options.format === 'json' ? output : { write: (line) => output.write(textLine(line)) };
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  );
  return loggerOver(logger, () => {
    if ('flushSync' in output && typeof output.flushSync === 'function') output.flushSync();
  });
}

function loggerOver(logger: pino.Logger, flush: () => void): Logger {
  return {
    log(level, message, fields) {
      if (!logger.isLevelEnabled(level)) return;
      if (fields === undefined) logger[level](message);
      else logger[level](redacted(fields), message);
    },
    isWritten: (level) => logger.isLevelEnabled(level),
    with: (fields) => loggerOver(logger.child(redacted(fields)), flush),
    write: (message, fields) => logger.info(fields, message),
    flush,
  };
}
