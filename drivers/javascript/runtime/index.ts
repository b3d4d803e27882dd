// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
import { defineBuiltins } from './builtins.ts';
import { type Drawn, makeDraws } from './draws.ts';
import { makeEdits } from './edits.ts';
import { makeHooks } from './hooks.ts';
import { makeKeeping } from './keeping.ts';
import { makeRun } from './run.ts';
import { makeText } from './text.ts';
import { defineTykJs } from './tyk-js.ts';

/**
 * What is there when a script begins: `TykJS`, the built-in functions, and how the guest calls hooks. The text of these functions is run in
 * every context, so each may use nothing but what it is given and the language; and nothing of the host is within reach of a script.
 *
 * Built-ins that the host has to serve do not block: they stop the run with what they want, and the guest runs the hook again from its
 * beginning with the results so far. A hook sees none of that, for between runs everything that it changed is put back, and the clock
 * and chance say again what they said.
 */
const rooms = { makeText, makeDraws, makeRun, defineBuiltins, defineTykJs, makeEdits, makeHooks, makeKeeping };

/** Source of a function that makes a context ready for scripts. It takes the session's generation, and is to be called once. */
export function runtimeSource(): string {
  const members = Object.entries(rooms).map(([name, room]) => `${name}:(${room.toString()})`);
  // In parentheses they are compiled at once. Strict functions show neither themselves nor what they were called on to those that they call.
  return `'use strict';(function(generation){return (${assemble.toString()})({${members.join()}},generation)})`;
}

function assemble(from: typeof rooms, generation: string): object {
  const { parse, stringify } = JSON;
  const textOf = String;
  // They could stop the thread, or make memory that no limit counts.
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics']) delete (globalThis as any)[name];

  const define = (target: any, name: string, value: any): void => {
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  };
  const text = from.makeText();
  const draws = from.makeDraws();
  const run = from.makeRun();
  const tykJs = from.defineTykJs(define, text, run);
  const hooks = from.makeHooks(tykJs, from.makeEdits(), text, run);
  // Those before it take the language as it is.
  from.defineBuiltins(generation, define, text, run, draws);
  const keeping = from.makeKeeping(() => [tykJs.TykJS, hooks.config()], run);

  /**
   * Run a hook. The first letter of what comes back says what the rest is: `d` an answer, `p` what the hook waits for, `e` an error. When
   * lines were logged they come first, after an `l` and before a line break.
   */
  function enter(index: number, text: string, body: string, journal: string, logged: number, keep: boolean): string {
    const before: { results: any[]; drawn: Drawn } | undefined = journal === '' ? undefined : parse(journal);
    run.start(before?.results ?? []);
    draws.start(before?.drawn);
    let out: string;
    try {
      out = `d${hooks.call(index, parse(text), body)}`;
    } catch (error: any) {
      const reason = hooks.isUnusable(error) ? 'REPLY_INVALID' : 'HOOK_THREW';
      let stack: any;
      try {
        stack = textOf(error.stack);
      } catch {}
      out = `e${stringify({ reason, message: run.describe(error), stack })}`;
    }
    const pending = run.pending();
    if (pending !== undefined) out = `p${stringify({ asked: pending, drawn: draws.drawn() })}`;
    const lines = run.logs().slice(logged);
    if (!keep || pending !== undefined) keeping.reset();
    return lines.length === 0 ? out : `l${stringify(lines)}\n${out}`;
  }

  /** Enter once for each triple of arguments; what comes back stands one after the other, after a line with the lengths. */
  function enterMany(...calls: any[]): string {
    let [lengths, outs] = ['', ''];
    for (let i = 0; i < calls.length; i += 3) {
      const out = enter(calls[i], calls[i + 1], calls[i + 2], '', 0, false);
      lengths += `${out.length} `;
      outs += out;
    }
    return `${lengths}\n${outs}`;
  }

  /** Lines that were logged while scripts were loaded. */
  function loadLogs(): string {
    const lines = stringify(run.logs());
    run.start([]);
    return lines;
  }

  return {
    enter,
    enterMany,
    addHook: hooks.addHook,
    loadLogs,
    remember: keeping.remember,
    setConfig(json: string) {
      hooks.setConfig(parse(json));
    },
  };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
