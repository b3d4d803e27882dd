// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
import type { Draws } from './draws.ts';
import type { Run } from './run.ts';
import type { TextTools } from './text.ts';

/** The built-in functions of scripts, and what stands in for those of the language that must not differ from run to run. */
export function defineBuiltins(
  generation: string,
  define: (target: any, name: string, value: any) => void,
  { bytesOf, encode64, decode64 }: TextTools,
  { note, ask }: Run,
  { now, random }: Draws,
): void {
  const { parse, stringify } = JSON;
  const { keys: keysOf } = Object;
  const { isArray } = Array;
  const textOf = String;
  const global: any = globalThis;

  define(Math, 'random', random);

  const NativeDate: any = Date;
  function ScriptDate(...parts: any[]): any {
    if (new.target === undefined) return textOf(new NativeDate(now()));
    return Reflect.construct(NativeDate, parts.length === 0 ? [now()] : parts, new.target);
  }
  for (const name of ['parse', 'UTC']) define(ScriptDate, name, NativeDate[name]);
  define(ScriptDate, 'now', now);
  Object.defineProperty(ScriptDate, 'name', { value: 'Date' });
  Object.defineProperty(ScriptDate, 'length', { value: 7 });
  Object.defineProperty(ScriptDate, 'prototype', { value: NativeDate.prototype, writable: false });
  define(NativeDate.prototype, 'constructor', ScriptDate);
  define(global, 'Date', ScriptDate);

  const builtins: Record<string, any> = {
    log: (...values: any[]) => note('info', values.length === 0 ? [undefined] : values.slice(0, 1)),
    rawlog: (...values: any[]) => note('raw', values.slice(0, 1)),
    b64enc: (text: any) => encode64(textOf(text), true),
    rawb64enc: (text: any) => encode64(textOf(text), false),
    b64dec: (text: any) => decode64(textOf(text), true) ?? decode64(textOf(text), false),
    rawb64dec: (text: any) => decode64(textOf(text), false),
    TykMakeHttpRequest: (request: any) => ask('http', textOf(request)),
    TykBatchRequest: (requests: any) => ask('batch', textOf(requests)),
    TykGetKeyData: (key: any, apiId: any) => ask('keys.get', textOf(key), textOf(apiId)),
    TykSetKeyData: (key: any, session: any, keep: any) => ask('keys.set', textOf(key), textOf(session), textOf(keep)),
    TykJsResponse: (response: any, sessionMeta: any) => stringify({ Response: response, SessionMeta: sessionMeta }),
    TykStorageGet: (key: any) => {
      const value = ask('storage.get', storageKey(key));
      return value === undefined ? null : value;
    },
    TykStorageSet: (key: any, value: any, ttl: any) =>
      ask('storage.set', storageKey(key), storageValue(value), seconds(ttl)),
    TykStorageSetNX: (key: any, value: any, ttl: any) =>
      ask('storage.setnx', storageKey(key), storageValue(value), seconds(ttl)) === true,
    TykStorageDel: (key: any) => ask('storage.del', storageKey(key)),
    TykStorageTTL: (key: any) => ask('storage.ttl', storageKey(key)),
    TykStorageIncr: (key: any, ttl: any) => textOf(ask('storage.incr', storageKey(key), seconds(ttl))),
  };
  for (const name of keysOf(builtins)) define(global, name, builtins[name]);

  function storageKey(key: any): string {
    const text = textOf(key);
    const bytes = bytesOf(text).length;
    if (bytes < 1 || bytes > 256) throw new Error(`a storage key must have 1 to 256 bytes, this one has ${bytes}`);
    return text;
  }

  function storageValue(value: any): string {
    const text = textOf(value);
    if (text.length > 65536 || bytesOf(text).length > 65536) throw new Error('a stored value may have 65536 bytes');
    return text;
  }

  function seconds(ttl: any): number {
    const value = Math.trunc(Number(ttl ?? 0));
    return Number.isFinite(value) && value > 0 ? value : 0;
  }

  const consoleObject: any = {};
  for (const [name, level] of [
    ['log', 'info'],
    ['info', 'info'],
    ['debug', 'debug'],
    ['warn', 'warn'],
    ['error', 'error'],
  ] as const) {
    define(consoleObject, name, (...values: any[]) => note(level, values));
  }
  define(global, 'console', consoleObject);

  if (generation === 'otto') {
    // Texts that a script signs or compares: keys in order, and the letters that Go escapes.
    define(JSON, 'stringify', (value: any, replacer: any, space: any) => {
      const text = stringify(value, replacer);
      if (text === undefined) return undefined;
      const indent = typeof space === 'number' ? ' '.repeat(Math.min(10, space)) : textOf(space ?? '').slice(0, 10);
      return sortedJson(parse(text), indent, '').replace(
        /[<>&\u2028\u2029]/g,
        (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    });
  }

  function sortedJson(value: any, indent: string, margin: string): string {
    if (typeof value !== 'object' || value === null) return stringify(value);
    const inner = margin + indent;
    const [open, close] = isArray(value) ? '[]' : '{}';
    const items: string[] = isArray(value)
      ? value.map((item: any) => sortedJson(item, indent, inner))
      : keysOf(value)
          .sort()
          .map((key) => `${stringify(key)}:${indent === '' ? '' : ' '}${sortedJson(value[key], indent, inner)}`);
    if (items.length === 0) return `${open}${close}`;
    if (indent === '') return `${open}${items.join(',')}${close}`;
    return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`;
  }
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
