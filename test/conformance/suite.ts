import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { BundleSpec } from './peers/bundle.ts';

/** A suite of cases, as data: see README.md beside this file for the format. */
export interface Suite {
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly cases: readonly Case[];
  /** What the original did, by case id: one record per step. */
  readonly recorded: Readonly<Record<string, readonly StepRecord[]>>;
}

type Ops = readonly (readonly unknown[])[];

export interface Case {
  readonly id: string;
  readonly why?: string;
  readonly definition?: Record<string, unknown>;
  readonly definitions?: Readonly<Record<string, Record<string, unknown>>>;
  readonly oas?: Record<string, unknown>;
  readonly apps?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly policies?: Readonly<Record<string, unknown>>;
  /** Bundles on the file server, by name. */
  readonly bundles?: Readonly<Record<string, BundleSpec>>;
  readonly grpc?: Readonly<Record<string, Ops>>;
  readonly upstream?: UpstreamReply;
  readonly ignore?: readonly string[];
  readonly steps: readonly Step[];
}

export interface UpstreamReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  readonly body64?: string;
  readonly repeat?: readonly [string, number];
  readonly delay?: number;
}

export interface Step {
  readonly method?: string;
  readonly path?: string;
  readonly absolute?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly body64?: string;
  readonly repeat?: readonly [string, number];
  readonly raw?: string;
  readonly timeout?: number;
  readonly sleep?: number;
  readonly watch?: boolean;
  readonly control?: string;
  /** Put other bundles on the file server. */
  readonly publish?: Readonly<Record<string, BundleSpec>>;
  readonly full?: boolean;
  readonly pick?: readonly string[];
  readonly sort?: readonly string[];
  readonly capture?: Readonly<Record<string, string>>;
  readonly redis?: readonly (string | number)[];
  readonly grpc?: Readonly<Record<string, Ops>>;
  readonly upstream?: UpstreamReply;
  readonly ignore?: readonly string[];
  readonly instead?: Readonly<Record<string, Record<string, unknown>>>;
}

/** What was seen in one step: by the client, by the upstream, by the plugin server. */
export interface StepRecord {
  at?: number;
  client?: Record<string, unknown>;
  upstream?: readonly Record<string, unknown>[];
  plugin?: readonly Record<string, unknown>[];
  redis?: string;
}

const folder = new URL('./cases/', import.meta.url);

export function loadSuite(name: string): Suite {
  const text = readFileSync(new URL(`${name}.yaml`, folder), 'utf8');
  const { config, cases } = parse(text, { merge: true, maxAliasCount: -1 }) as {
    config?: Record<string, unknown>;
    cases: Case[];
  };
  const recorded = JSON.parse(readFileSync(new URL(`${name}.golden.json`, folder), 'utf8'));
  return { name, config: config ?? {}, cases, recorded };
}

/** Deliberate differences: case id to reason. docs/compatibility.md lists them for users. */
export function loadExceptions(): Readonly<Record<string, string>> {
  return parse(readFileSync(new URL('./exceptions.yaml', import.meta.url), 'utf8')) ?? {};
}

/** Fill in `${NAME}`, everywhere. */
export function substitute<T>(value: T, variables: Readonly<Record<string, string | number>>): T {
  return walk(value, (text) =>
    text.replace(/\$\{(\w+)\}/g, (whole, name: string) => String(variables[name] ?? whole)),
  ) as T;
}

/** `${NOW+60}` as a whole text becomes unix time. */
export function withTimes<T>(value: T): T {
  const atOnce = (item: unknown): unknown => {
    if (typeof item !== 'string') return item;
    const match = /^\$\{NOW([+-]\d+)?\}$/.exec(item);
    return match === null ? item : Math.floor(Date.now() / 1000) + Number(match[1] ?? 0);
  };
  return map(value, atOnce) as T;
}

/** Replace every text of a structure, keys included; values then go through `finish`. */
export function walk(
  value: unknown,
  change: (text: string) => string,
  finish: (text: string) => unknown = (text) => text,
): unknown {
  if (typeof value === 'string') return finish(change(value));
  if (Array.isArray(value)) return value.map((item) => walk(item, change, finish));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), walk(item, change, finish)]));
}

function map(value: unknown, change: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => map(item, change));
  if (value === null || typeof value !== 'object') return change(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item, change)]));
}

/** Put `more` over `base`, objects into objects. */
export function merge(
  base: Record<string, unknown>,
  more: Record<string, unknown> | undefined,
): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(more ?? {})) {
    const old = merged[key];
    merged[key] = isObject(value) && isObject(old) ? merge(old, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
