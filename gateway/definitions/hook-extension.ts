import { canonicalName, isHeaderName } from '../../contract/canonical.ts';
import type { BodyUse } from '../../contract/plugin-set.ts';
import type { HookCondition } from './api.ts';
import { isNear } from './field-table.ts';
import type { Fields } from './fields.ts';
import type { DefinitionOptions } from './options.ts';
import { compilePattern, type TextPattern } from './text-pattern.ts';

/** What the `interpose` object of a plugin entry says; an absent field says nothing. */
export interface HookExtension {
  readonly driver?: string;
  readonly server?: string;
  readonly timeoutMs?: number;
  readonly onError?: 'reject' | 'continue';
  readonly body?: BodyUse;
  readonly when?: HookCondition;
  readonly isolation?: 'none' | 'process';
  readonly instances?: number;
  readonly environment?: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const keys = ['driver', 'server', 'timeoutMs', 'onError', 'body', 'when', 'isolation', 'instances', 'environment'];
const conditionKeys = ['methods', 'path', 'header', 'percent'];

/** Longest `timeoutMs` that a timer takes: about 24 days. */
const maxTimeoutMs = 2_147_483_647;

/** The extension of an entry. It is ours, so other than the rest of a definition its keys must be known ones. */
export function readHookExtension(entry: Fields, options: DefinitionOptions): HookExtension {
  if (!entry.has('interpose')) return {};
  const fields = entry.object('interpose');
  checkKeys(fields, keys);
  const extension: Writable<HookExtension> = {};
  readDriver(fields, options, extension);
  if (fields.has('timeoutMs')) extension.timeoutMs = readInteger(fields, 'timeoutMs', 1, maxTimeoutMs);
  if (fields.has('instances')) extension.instances = readInteger(fields, 'instances', 1, 1024);
  if (fields.has('environment')) extension.environment = readEnvironment(fields, options);
  if (fields.has('onError')) extension.onError = readChoice(fields, 'onError', ['reject', 'continue']);
  if (fields.has('body')) extension.body = readChoice(fields, 'body', ['none', 'buffered']);
  if (fields.has('isolation')) extension.isolation = readChoice(fields, 'isolation', ['none', 'process']);
  if (fields.has('when')) extension.when = readCondition(fields.object('when'));
  return extension;
}

function readDriver(fields: Fields, options: DefinitionOptions, extension: Writable<HookExtension>): void {
  const driver = fields.string('driver');
  const server = fields.string('server');
  if (driver !== '') {
    extension.driver = driver;
    if (driver !== 'goplugin' && !options.drivers.includes(driver)) {
      fields.report.invalid(
        fields.at('driver'),
        `no driver has the name "${driver}"`,
        `write one of ${options.drivers.join(', ')}`,
      );
    }
  }
  if (server !== '') extension.server = server;
}

/** A name, never a program: what may run on the machine is for the configuration to say. */
function readEnvironment(fields: Fields, { pythonEnvironments: known }: DefinitionOptions): string {
  const name = fields.string('environment');
  if (known !== undefined && !known.includes(name)) {
    const cure = `add it to python.environments of the configuration${known.length > 0 ? `, or write one of ${known.join(', ')}` : ''}`;
    fields.report.invalid(fields.at('environment'), `no Python environment has the name "${name}"`, cure);
  }
  return name;
}

function readCondition(fields: Fields): HookCondition {
  checkKeys(fields, conditionKeys);
  const condition: Writable<HookCondition> = {};
  if (fields.has('methods')) {
    condition.methods = fields.strings('methods').map((method) => method.toUpperCase());
    if (condition.methods.length === 0) {
      fields.report.invalid(
        fields.at('methods'),
        'is empty, so the hook would never run',
        'name a method, or take it out',
      );
    }
  }
  if (fields.has('path')) condition.path = globPattern(fields.string('path'));
  if (fields.has('header')) condition.header = readHeader(fields.object('header'));
  if (fields.has('percent')) condition.percent = readPercent(fields);
  return condition;
}

function readHeader(fields: Fields): NonNullable<HookCondition['header']> {
  checkKeys(fields, ['name', 'value']);
  const name = fields.string('name');
  if (!isHeaderName(name))
    fields.report.invalid(fields.at('name'), `is no header name: "${name}"`, 'write one, as X-Canary');
  return { name: canonicalName(name), ...(fields.has('value') ? { value: fields.string('value') } : {}) };
}

function readPercent(fields: Fields): number {
  const percent = fields.number('percent');
  if (percent >= 0 && percent <= 100) return percent;
  fields.report.invalid(
    fields.at('percent'),
    `must be from 0 to 100, got ${percent}`,
    'write a share of requests in percent',
  );
  return 0;
}

function readInteger(fields: Fields, name: string, least: number, most: number): number {
  const value = fields.raw(name);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  fields.report.invalid(
    fields.at(name),
    `must be a whole number from ${least} to ${most}, got ${JSON.stringify(value)}`,
    'write such a number',
  );
  return least;
}

function readChoice<Choice extends string>(fields: Fields, name: string, choices: readonly Choice[]): Choice {
  const value = fields.raw(name);
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    const list = choices.map((candidate) => `"${candidate}"`).join(' or ');
    fields.report.invalid(fields.at(name), `must be ${list}, got ${JSON.stringify(value)}`, `write ${list}`);
  }
  return choice ?? (choices[0] as Choice);
}

function checkKeys(fields: Fields, known: readonly string[]): void {
  for (const key of Object.keys(fields.json)) {
    if (known.some((name) => name.toLowerCase() === key.toLowerCase())) continue;
    const near = known.find((name) => isNear(name.toLowerCase(), key.toLowerCase()));
    const cure = near === undefined ? `take it out; known are ${known.join(', ')}` : `write "${near}"`;
    fields.report.invalid(fields.at(key), 'is no key of the extension', cure);
  }
}

/** A path with `*` for one segment's text and `**` for any; all of the path must match. */
function globPattern(glob: string): TextPattern {
  const expression = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.+?^$()[\]{}|\\]/g, '\\$&')))
    .join('');
  return compilePattern(`^${expression}$`, glob);
}
