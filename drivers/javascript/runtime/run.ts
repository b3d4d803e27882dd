// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
/** One run of a hook: what it logs, and what it asks of the host. */
export interface Run {
  /** A run begins, with the results of what earlier runs of the same call asked for. */
  start(results: any[]): void;
  note(level: string, values: any[]): void;
  /** Ask the host: with the result of an earlier run, or by ending this one. */
  ask(service: string, ...args: any[]): any;
  /** What a script threw, in a line. */
  describe(error: any): string;
  /** What the host is asked for; undefined: nothing. */
  pending(): any[] | undefined;
  /** Lines with their levels. */
  logs(): readonly (readonly [string, string])[];
}

export function makeRun(): Run {
  const { stringify } = JSON;
  const textOf = String;
  let logs: [string, string][] = [];
  let logBytes = 0;
  let results: any[] = [];
  let served = 0;
  let pending: any[] | undefined;

  function note(level: string, values: any[]): void {
    // A script that catches what stops it goes on for nothing: the next run says what is so.
    if (pending !== undefined) return;
    // What a caller of a hook has no use for must not fill the memory.
    if (logs.length >= 1000 || logBytes > 262144) return;
    const text = values
      .map((value) => textOf(value))
      .join(' ')
      .slice(0, 16384);
    logBytes += text.length;
    logs.push([level, text]);
  }

  function ask(service: string, ...args: any[]): any {
    if (pending !== undefined) throw stopped;
    if (served < results.length) {
      const result = results[served++];
      if (result.error !== undefined) throw new Error(result.error);
      return result.value === null ? undefined : result.value;
    }
    pending = [service, ...args];
    throw stopped;
  }

  const stopped = new Error('the hook waits for the host');

  function describe(error: any): string {
    try {
      if (error instanceof Error) return `${error.name}: ${error.message}`;
      return `it threw ${stringify(error) ?? textOf(error)}`;
    } catch {
      return 'it threw something that cannot be shown';
    }
  }

  return {
    describe,
    start(before) {
      logs = [];
      logBytes = 0;
      results = before;
      served = 0;
      pending = undefined;
    },
    note,
    ask,
    pending: () => pending,
    logs: () => logs,
  };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
