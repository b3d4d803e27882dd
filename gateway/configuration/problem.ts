/** One thing that is wrong with a configuration: where, what, and what to do about it. */
export interface Problem {
  /** File, or what else it came from, as `environment variable X`. */
  readonly source: string;
  /** Where in the file, from 1; undefined where that is not known. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** Path of the key, as `servers.fraud.target`; empty for the whole. */
  readonly path: string;
  readonly message: string;
  readonly cure: string;
}

/** A configuration that no process may start with. Names every problem at once, for one is seldom alone. */
export class ConfigurationError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

/** `file:line:column: "path" message`, and the cure on a line of its own. */
function formatProblem({ source, line, column, path, message, cure }: Problem): string {
  const place = line === undefined ? source : `${source}:${line}:${column ?? 1}`;
  const subject = path === '' ? '' : `"${path}" `;
  return `${place}: ${subject}${message}\n    ${cure}`;
}

export type Path = readonly (string | number)[];

/** `listeners[0].address`: the path as it is written in messages. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const word = /^[A-Za-z0-9_$-]+$/.test(step) ? step : JSON.stringify(step);
    return text === '' ? word : `${text}.${word}`;
  }, '');
}
