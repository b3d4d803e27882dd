import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import ivm from 'isolated-vm';
import { type Analysis, analyse } from './analyse.ts';
import { isTimeout, threadCpuMs, withinCpu } from './cpu-limit.ts';
import type { Script } from './options.ts';
import type { GuestSettings, Install, InstallHook, LogLine } from './protocol.ts';
import { runtimeSource } from './runtime/index.ts';

/** One run of a hook inside of the sandbox: what `enter` of the runtime gave back. */
export interface Entered {
  readonly kind: 'done' | 'pending' | 'error';
  /** JSON text; empty for an answer that changes nothing. */
  readonly json: string;
  readonly logs: readonly LogLine[];
}

/** The script ran for too long, or took too much memory. */
export class LimitExceeded extends Error {}

/** A call of a hook. */
export interface Entering {
  readonly hook: number;
  /** The call as JSON text. */
  readonly call: string;
  readonly body: string;
  /** When nobody waits for its answer any longer, as `Date.now()` tells time. */
  readonly dueMs: number;
}

/** Tells whoever watches from outside what is running, for V8 does not always come back. */
export type Guard = <T>(set: number, limitMs: number, work: () => T) => T;

/** A context with all scripts of a set in it. */
interface Prepared {
  readonly context: ivm.Context;
  readonly enter: ivm.Reference;
  readonly enterMany: ivm.Reference;
  readonly remember: ivm.Reference;
  readonly lexical: readonly [ivm.Reference, ivm.Reference] | undefined;
  readonly logs: readonly LogLine[];
  /** Of each script: why it failed. */
  readonly failures: readonly (string | undefined)[];
  readonly reports: readonly (string | null)[];
}

/** Contexts that are made ahead where each run needs a fresh one. */
const spareContexts = 4;
/** How long calls run one by one after one of them came to its limit, in milliseconds. */
const oneByOneMs = 10_000;
/** Scripts may take so long to load, however short the limit for a call is. */
const minLoadMs = 1000;
/** Nobody waits longer for scripts to load, however busy the machine is: see `loadTimeoutMs` of the pool. */
const maxLoadMs = 30_000;

/** The scripts of a set in an isolate of their own. */
export class Sandbox {
  readonly install: Install;
  private readonly settings: GuestSettings;
  private readonly guard: Guard;
  private isolate: ivm.Isolate;
  private runtimeScript: ivm.Script;
  private compiled: (ivm.Script | string)[] = [];
  private readonly analyses: (Analysis | undefined)[];
  private readonly usesUnderscore: boolean;
  /** Why runs cannot share a context; undefined: they do. */
  private unkeepable: string | undefined;
  private shared: Prepared | undefined;
  private readonly spare: Prepared[] = [];
  private refilling: boolean = false;
  private readonly keepsState: boolean;
  /** A run has spoiled those that ran along with it: until then each runs alone. */
  private oneByOneUntilMs = 0;

  constructor(install: Install, settings: GuestSettings, guard: Guard) {
    this.install = install;
    this.settings = settings;
    this.guard = guard;
    const scripts = this.scripts;
    this.analyses = scripts.map(({ code }) => tryAnalyse(code));
    this.usesUnderscore = this.mayUse('_');
    this.unkeepable = this.analyses.find((one) => one?.unkeepable !== undefined)?.unkeepable;
    this.keepsState = install.hooks.every((hook) => hook.type === 'event');
    this.isolate = this.newIsolate();
    this.runtimeScript = this.compileAll();
  }

  /** Load the scripts. Of each hook: null, or why it cannot run. */
  load(): { readonly reports: readonly (string | null)[]; readonly logs: readonly LogLine[] } {
    const prepared = this.prepare();
    this.shared = prepared;
    if (this.unkeepable === undefined && !this.keepsState) this.unkeepable = this.remember(prepared);
    const reports = prepared.reports.map((report, i) => {
      if (report === null) return null;
      const hook = this.install.hooks[i] as InstallHook;
      const failure = prepared.failures[hook.script + this.libraryCount];
      return failure ?? report;
    });
    const warnings: LogLine[] = prepared.failures.flatMap((failure, i) =>
      failure === undefined ? [] : [['warn', `${this.scripts[i]?.name} failed while it was loaded: ${failure}`]],
    );
    return { reports, logs: [...prepared.logs, ...warnings] };
  }

  /** Whether scripts look as if they send HTTP requests. */
  get sendsRequests(): boolean {
    return this.mayUse('TykMakeHttpRequest', 'TykBatchRequest');
  }

  /** Whether any of these names may be used, as far as the scripts' text tells. */
  private mayUse(...names: readonly string[]): boolean {
    return this.analyses.some((one) => one === undefined || ['eval', ...names].some((name) => one.free.has(name)));
  }

  /** How runs are kept apart, for operators: undefined when they share a context that is put right after each. */
  get apart(): string | undefined {
    return this.unkeepable;
  }

  /**
   * Run a hook, with so much CPU time at most, and no longer than somebody waits for it.
   * @param before what the thread has used so far, see `threadCpuMs`
   * @throws {LimitExceeded}
   */
  enter(entering: Entering, journal: string, logged: number, limitMs: number, before: number): Entered {
    if (this.isolate.isDisposed) this.restart();
    const { hook, call, body, dueMs } = entering;
    const args = [hook, call, body, journal, logged, this.keepsState];
    try {
      return withinCpu(limitMs, dueMs, before, (timeoutMs) => this.enterOnce(args, timeoutMs));
    } catch (error) {
      throw this.toLimit(error, limitMs);
    }
  }

  /**
   * Run several calls in one visit to the isolate, within the limit of one: each visit costs more than most hooks do. Undefined when that
   * cannot be done, or did not go well: then nothing of it has happened, and they are to be run one by one.
   */
  enterMany(calls: readonly Entering[], limitMs: number): Entered[] | undefined {
    const now = performance.now();
    if (this.unkeepable !== undefined || this.keepsState || this.isolate.isDisposed || now < this.oneByOneUntilMs) {
      return undefined;
    }
    const args = calls.flatMap(({ hook, call, body }) => [hook, call, body]);
    const prepared = this.take();
    try {
      const result = this.guard(this.install.set, limitMs, () =>
        prepared.enterMany.applySync(undefined, args, { timeout: Math.max(1, Math.ceil(limitMs)) }),
      ) as string;
      return splitResults(result).map(parseEntered);
    } catch {
      this.shared = undefined;
      this.oneByOneUntilMs = now + oneByOneMs;
      return undefined;
    }
  }

  private enterOnce(args: readonly unknown[], timeoutMs: number): Entered {
    const prepared = this.take();
    if (this.keepsState) this.remember(prepared);
    try {
      const result = this.guard(this.install.set, timeoutMs, () =>
        prepared.enter.applySync(undefined, args as never, { timeout: timeoutMs }),
      ) as string;
      return parseEntered(result);
    } catch (error) {
      if (prepared === this.shared) this.shared = undefined;
      throw error;
    } finally {
      if (this.unkeepable !== undefined && !this.keepsState) this.drop(prepared);
    }
  }

  close(): void {
    if (!this.isolate.isDisposed) this.isolate.dispose();
  }

  private get scripts(): readonly Script[] {
    const { library } = this.settings;
    return library === null ? this.install.scripts : [library, ...this.install.scripts];
  }

  private get libraryCount(): number {
    return this.settings.library === null ? 0 : 1;
  }

  private newIsolate(): ivm.Isolate {
    return new ivm.Isolate({ memoryLimit: this.settings.memoryMib });
  }

  private restart(): void {
    this.shared = undefined;
    this.spare.length = 0;
    this.isolate = this.newIsolate();
    this.runtimeScript = this.compileAll();
  }

  private compileAll(): ivm.Script {
    this.compiled = this.scripts.map(({ name, code }) => {
      try {
        return this.guard(this.install.set, minLoadMs, () => this.isolate.compileScriptSync(code, { filename: name }));
      } catch (error) {
        return (error as Error).message;
      }
    });
    return this.isolate.compileScriptSync(runtimeSource(), { filename: 'interpose:runtime' });
  }

  private take(): Prepared {
    if (this.unkeepable === undefined || this.keepsState) {
      if (this.shared === undefined) {
        this.shared = this.prepare();
        if (!this.keepsState) this.remember(this.shared);
      }
      return this.shared;
    }
    const prepared = this.shared ?? this.spare.pop() ?? this.prepare();
    this.shared = undefined;
    return prepared;
  }

  /** A context that was used up: make another when there is nothing else to do. */
  private drop(prepared: Prepared): void {
    if (this.shared === prepared) this.shared = undefined;
    for (const reference of [prepared.enter, prepared.enterMany, prepared.remember, ...(prepared.lexical ?? [])])
      reference.release();
    prepared.context.release();
    if (this.refilling) return;
    this.refilling = true;
    setImmediate(() => {
      this.refilling = false;
      try {
        while (!this.isolate.isDisposed && this.spare.length < spareContexts) this.spare.push(this.prepare());
      } catch {
        // The next call meets the same, and tells.
      }
    });
  }

  private prepare(): Prepared {
    const limitMs = Math.max(minLoadMs, this.settings.cpuMs);
    try {
      return withinCpu(limitMs, Date.now() + maxLoadMs, threadCpuMs(), (...limits) => this.prepareOnce(...limits));
    } catch (error) {
      throw this.toLimit(error, limitMs);
    }
  }

  /** @param isStarved whether what was thrown is the fault of a busy machine, so that all is to be tried again. */
  private prepareOnce(timeoutMs: number, isStarved: (error: unknown) => boolean): Prepared {
    const timeout = { timeout: timeoutMs };
    const { set, hooks, config, generation } = this.install;
    return this.guard(set, timeoutMs, () => {
      const context = this.isolate.createContextSync();
      const make = this.runtimeScript.runSync(context, { reference: true }) as ivm.Reference;
      const made = make.applySync(undefined, [generation] as never, { result: { reference: true }, ...timeout });
      const member = (name: string): ivm.Reference => made.getSync(name as never, { reference: true }) as ivm.Reference;
      // Each reference that is held keeps its whole context.
      const passing = [make, made, member('setConfig'), member('addHook'), member('loadLogs')] as const;
      const [, , setConfig, addHook, loadLogs] = passing;
      setConfig.applySync(undefined, [config]);
      if (this.usesUnderscore) context.evalSync(underscore(), { ...timeout, filename: 'underscore.js' });
      const failures = this.compiled.map((script) => {
        if (typeof script === 'string') return script;
        try {
          script.runSync(context, timeout);
          return undefined;
        } catch (error) {
          if (isStarved(error)) throw error;
          return describe(error);
        }
      });
      const reports = hooks.map(({ index, type, name, writesMeta }) => {
        try {
          const text = `(function(){return (${name}\n)})`;
          const find = context.evalSync(text, { reference: true, filename: name }) as ivm.Reference;
          const args = [index, type, writesMeta, find.derefInto({ release: true })];
          return (addHook.applySync(undefined, args, timeout) as string | undefined) ?? null;
        } catch (error) {
          if (isStarved(error)) throw error;
          return describe(error);
        }
      });
      const prepared = {
        context,
        enter: member('enter'),
        enterMany: member('enterMany'),
        remember: member('remember'),
        lexical: this.lexicalOf(context),
        logs: JSON.parse(loadLogs.applySync(undefined, []) as string) as LogLine[],
        failures,
        reports,
      };
      for (const reference of passing) reference.release();
      return prepared;
    });
  }

  /** Read and write the top-level `let`s and `const`s, which are no members of anything. */
  private lexicalOf(context: ivm.Context): Prepared['lexical'] {
    const names = this.analyses.flatMap((one) => one?.lexical ?? []);
    if (names.length === 0) return undefined;
    const reads = names.map(({ name }) => `r(function(){return ${name}})`).join();
    const writes = names.map(({ name, writable }, i) => (writable ? `try{${name}=v[${i}]}catch(e){}` : '')).join(';');
    const read = `(function(){function r(f){try{return f()}catch(e){}}return function(){return [${reads}]}})()`;
    return [
      context.evalSync(read, { reference: true }) as ivm.Reference,
      context.evalSync(`(function(v){${writes}})`, { reference: true }) as ivm.Reference,
    ];
  }

  private remember(prepared: Prepared): string | undefined {
    const written = [...new Set(this.analyses.flatMap((one) => [...(one?.written ?? [])]))];
    const [read, write] = prepared.lexical ?? [];
    return prepared.remember.applySync(
      undefined,
      [new ivm.ExternalCopy(written).copyInto(), read?.derefInto(), write?.derefInto()],
      { timeout: Math.max(minLoadMs, this.settings.cpuMs) },
    ) as string | undefined;
  }

  private toLimit(error: unknown, limitMs: number): Error {
    const message = error instanceof Error ? error.message : String(error);
    if (this.isolate.isDisposed) {
      return new LimitExceeded(`it took more than ${this.settings.memoryMib} MiB of memory`);
    }
    if (isTimeout(error)) {
      return new LimitExceeded(`it ran for more than ${Math.ceil(limitMs)} ms`);
    }
    return error instanceof Error ? error : new Error(message);
  }
}

function tryAnalyse(code: string): Analysis | undefined {
  try {
    return analyse(code);
  } catch (error) {
    // What V8 does not take either defines nothing. Where only this parser is at a loss, nothing is known of the script.
    const written = new Set<string>();
    const unkeepable = error instanceof SyntaxError ? undefined : 'it could not be read';
    return { written, lexical: [], free: new Set(['_']), unkeepable };
  }
}

/** What the runtime's `enterMany` put together. */
function splitResults(joined: string): string[] {
  const lengthsEnd = joined.indexOf('\n');
  let at = lengthsEnd + 1;
  const lengths = joined.slice(0, lengthsEnd - 1).split(' ');
  return lengths.map((length) => {
    const start = at;
    at += Number(length);
    return joined.slice(start, at);
  });
}

function parseEntered(result: string): Entered {
  let logs: LogLine[] = [];
  let rest = result;
  if (rest.startsWith('l')) {
    const end = rest.indexOf('\n');
    logs = JSON.parse(rest.slice(1, end)) as LogLine[];
    rest = rest.slice(end + 1);
  }
  const kind = rest.startsWith('d') ? 'done' : rest.startsWith('p') ? 'pending' : 'error';
  return { kind, json: rest.slice(1), logs };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const place = /\n\s+at (?:.*\()?([^()\n]+:\d+:\d+)/.exec(error.stack ?? '')?.[1];
  return `${error.name}: ${error.message}${place === undefined || place.startsWith('interpose:') ? '' : ` (${place})`}`;
}

let underscoreSource: string | undefined;

function underscore(): string {
  underscoreSource ??= readFileSync(createRequire(import.meta.url).resolve('underscore/underscore-umd-min.js'), 'utf8');
  return underscoreSource;
}
