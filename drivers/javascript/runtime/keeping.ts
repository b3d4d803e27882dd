// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
import type { Run } from './run.ts';

/** Puts back what runs of hooks change, so that they can share a context. */
export interface Keeping {
  /**
   * Remember everything that scripts can reach and change, to put it back after each run. Returns why that cannot be done: then each run
   * needs a context of its own.
   */
  remember(
    written: string[],
    read: (() => any[]) | undefined,
    write: ((values: any[]) => void) | undefined,
  ): string | undefined;
  reset(): void;
}

/** @param own what scripts can change of ours; all else that is there by now is not looked into. */
export function makeKeeping(own: () => readonly any[], { describe }: Run): Keeping {
  const { keys: keysOf, getPrototypeOf, getOwnPropertyDescriptor, is } = Object;
  const { ownKeys } = Reflect;
  const { isArray } = Array;
  const textOf = String;
  const global: any = globalThis;
  interface Known {
    readonly object: any;
    readonly keys: (string | symbol)[];
    readonly values: any[];
    /** Own enumerable names; -1 for what has none of interest. */
    readonly count: number;
  }
  let known: Known[] = [];
  let globals: { name: string; has: boolean; value: any }[] = [];
  let lexical: { read: () => any[]; write: (values: any[]) => void; values: any[] } | undefined;
  const ownNames = new Set(Object.getOwnPropertyNames(global));

  const leaves = new Set<any>([global, JSON, Math, Reflect]);
  for (const name of ownNames) {
    const value = getOwnPropertyDescriptor(global, name)?.value;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue;
    leaves.add(value);
    if (typeof value.prototype === 'object' && value.prototype !== null) leaves.add(value.prototype);
  }
  for (const value of own()) leaves.delete(value);

  class Unkeepable extends Error {}

  function remember(
    written: string[],
    read: (() => any[]) | undefined,
    write: ((values: any[]) => void) | undefined,
  ): string | undefined {
    try {
      known = [];
      const seen = new Set<any>();
      let budget = 1500;
      const visit = (value: any): void => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
        if (seen.has(value) || leaves.has(value)) return;
        seen.add(value);
        const isFunction = typeof value === 'function';
        if (isFunction && /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value))) return;
        const tag = Object.prototype.toString.call(value);
        if (!isFunction && !['[object Object]', '[object Array]', '[object RegExp]', '[object Error]'].includes(tag)) {
          throw new Unkeepable(`a ${tag.slice(8, -1)} is reachable`);
        }
        const keys: (string | symbol)[] = [];
        const values: any[] = [];
        for (const key of ownKeys(value)) {
          const descriptor = getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
          if (descriptor.get !== undefined || descriptor.set !== undefined) {
            if (isFunction && (key === 'arguments' || key === 'caller')) continue;
            throw new Unkeepable(`there is an accessor, "${textOf(key)}"`);
          }
          if (isFunction && key === 'prototype' && isPlainPrototype(value, descriptor.value)) continue;
          visit(descriptor.value);
          if (!descriptor.writable) continue;
          if (tag === '[object Array]' && key === 'length') continue;
          keys.push(key);
          values.push(descriptor.value);
        }
        visit(getPrototypeOf(value));
        budget -= keys.length + 1;
        if (budget < 0) throw new Unkeepable('there is too much data to look through after each run');
        if (Object.isFrozen(value)) return;
        known.push({ object: value, keys, values, count: keysOf(value).length });
      };
      const names = Object.getOwnPropertyNames(global).filter((name) => !ownNames.has(name));
      globals = names.map((name) => ({ name, has: true, value: global[name] }));
      for (const name of written) {
        if (!names.includes(name)) globals.push({ name, has: Object.hasOwn(global, name), value: global[name] });
      }
      for (const { name, value } of globals) if (name !== '_') visit(value);
      for (const value of own()) visit(value);
      lexical = undefined;
      if (read !== undefined && write !== undefined) {
        const values = read();
        for (const value of values) visit(value);
        lexical = { read, write, values };
      }
      // Text from requests must not become everybody's property (`a[name][other] = value`).
      for (const prototype of [Object.prototype, Array.prototype, Function.prototype])
        Object.preventExtensions(prototype);
      return undefined;
    } catch (error) {
      known = [];
      globals = [];
      lexical = undefined;
      if (error instanceof Unkeepable) return error.message;
      return describe(error);
    }
  }

  function isPlainPrototype(maker: any, prototype: any): boolean {
    if (typeof prototype !== 'object' || prototype === null) return false;
    const names = ownKeys(prototype);
    return names.length === 1 && names[0] === 'constructor' && prototype.constructor === maker;
  }

  function reset(): void {
    for (let i = 0; i < globals.length; i++) {
      const { name, has, value } = globals[i] as (typeof globals)[0];
      if (has) {
        const now = global[name];
        if (now !== value && !is(now, value)) global[name] = value;
      } else if (Object.hasOwn(global, name)) delete global[name];
    }
    for (let i = 0; i < known.length; i++) {
      const { object, keys, values, count } = known[i] as Known;
      for (let k = 0; k < keys.length; k++) {
        const key = keys[k] as string;
        const now = object[key];
        if (now !== values[k] && !is(now, values[k])) object[key] = values[k];
      }
      if (keysOf(object).length !== count) removeOthers(object, keys);
    }
    if (lexical !== undefined) {
      const now = lexical.read();
      const { values } = lexical;
      for (let i = 0; i < now.length; i++) {
        if (is(now[i], values[i])) continue;
        lexical.write(values);
        break;
      }
    }
  }

  function removeOthers(object: any, keys: (string | symbol)[]): void {
    if (isArray(object)) {
      object.length = keys.length;
      return;
    }
    const wanted = new Set<any>(keys);
    for (const key of keysOf(object)) if (!wanted.has(key)) delete object[key];
  }

  return { remember, reset };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
