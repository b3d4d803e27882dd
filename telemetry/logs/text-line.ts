interface JsonLine extends Record<string, unknown> {
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly level: string;
  readonly message?: string;
}

/**
 * A JSON log line as a line for people: `12:01:02.123 WARN  message  api=orders hook=stamp`.
 *
 * @param json one line as pino writes it
 */
export function textLine(json: string): string {
  const { time, level, message = '', ...fields } = JSON.parse(json) as JsonLine;
  const clock = time.slice('2026-01-01T'.length, -1);
  let line = `${clock} ${level.toUpperCase().padEnd(5)} ${message}`;
  let gap = '  ';
  for (const [name, value] of Object.entries(fields)) {
    line += `${gap}${name}=${valueText(value)}`;
    gap = ' ';
  }
  return `${line}\n`;
}

/** Bare where that is unambiguous; JSON where not, which also keeps control characters off the terminal. */
function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@+-]+$/.test(value)) return value;
  return JSON.stringify(value) ?? '';
}
