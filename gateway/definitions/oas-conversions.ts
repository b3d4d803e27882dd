import { parseDuration } from './duration.ts';
import { isObject, type JsonObject } from './fields.ts';
import type { Report } from './problem.ts';

/** Turns a value of an OpenAPI document's extension into the Classic one; undefined leaves the field out. */
export type Convert = (value: unknown, path: string, report: Report) => unknown;

/** `enabled` as `disabled`. What is no boolean goes through, for the reader of the Classic field to refuse. */
export const not: Convert = (value) => (typeof value === 'boolean' ? !value : value);

/** A list of names and values as a map. */
export const nameValueMap: Convert = (value) => {
  if (!Array.isArray(value)) return value;
  const map: Record<string, unknown> = {};
  for (const entry of value) if (isObject(entry) && typeof entry.name === 'string') map[entry.name] = entry.value;
  return map;
};

/** Versions as a map from name to API id. */
export const versionMap: Convert = (value) => {
  if (!Array.isArray(value)) return value;
  const map: Record<string, unknown> = {};
  for (const entry of value) if (isObject(entry) && typeof entry.name === 'string') map[entry.name] = entry.id;
  return map;
};

/** `1m30s` as seconds. */
export const seconds: Convert = (value, path, report) => {
  if (typeof value !== 'string') return value;
  const ms = parseDuration(value);
  if (ms === undefined) report.invalid(path, `is no duration: "${value}"`, 'write one, as 1m30s');
  return ms === undefined ? 0 : ms / 1000;
};

const tlsCodes: Readonly<Record<string, number>> = { '1.0': 769, '1.1': 770, '1.2': 771, '1.3': 772 };

export const tlsVersion: Convert = (value, path, report) => {
  if (typeof value !== 'string') return value;
  const code = tlsCodes[value];
  if (code === undefined) report.invalid(path, `is no TLS version: "${value}"`, 'write "1.2" or "1.3"');
  return code ?? 0;
};

/** Most entries of a list of targets; weights beyond it are too fine to matter. */
const maxTargets = 1000;

/** Targets with weights as a list in which each occurs as often as its weight says. */
export const weightedTargets: Convert = (value, path, report) => {
  if (!Array.isArray(value)) return value;
  const targets = value.map((entry: unknown, i) => readTarget(entry, `${path}[${i}]`, report));
  const divisor = targets.reduce((least, { weight }) => commonDivisor(least, weight), 0) || 1;
  const total = targets.reduce((sum, { weight }) => sum + weight / divisor, 0);
  if (total === 0) report.invalid(path, 'no target has a weight above 0', 'give one a weight, as 1');
  if (total > maxTargets)
    report.invalid(path, `the weights add up to ${total}`, `write weights that add up to ${maxTargets} at most`);
  if (total > maxTargets) return [];
  return targets.flatMap(({ url, weight }) => Array.from({ length: weight / divisor }, () => url));
};

function readTarget(entry: unknown, path: string, report: Report): { url: unknown; weight: number } {
  if (!isObject(entry)) report.wrongType(path, 'an object', entry);
  const { url, weight } = isObject(entry) ? entry : ({} as JsonObject);
  if (typeof weight === 'number' && Number.isSafeInteger(weight) && weight >= 0) return { url, weight };
  report.invalid(
    `${path}.weight`,
    `must be a whole number from 0, got ${JSON.stringify(weight)}`,
    'write 1 for an equal share',
  );
  return { url, weight: 0 };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Event handlers as the Classic map from event to handlers. */
export const eventHandlers: Convert = (value) => {
  if (!Array.isArray(value)) return value;
  const events: Record<string, unknown[]> = {};
  for (const entry of value) {
    if (!isObject(entry)) continue;
    const event = textOf(entry.trigger);
    events[event] ??= [];
    events[event].push(classicHandler(entry));
  }
  return events;
};

const handlerNames: Readonly<Record<string, string>> = {
  custom: 'eh_dynamic_handler',
  log: 'eh_log_handler',
  webhook: 'eh_web_hook_handler',
};

function classicHandler(entry: JsonObject): JsonObject {
  const { enabled, type, id, functionName, path, logPrefix } = entry;
  return {
    handler_name: handlerNames[textOf(type)] ?? textOf(type),
    handler_meta: { disabled: enabled !== true, id, name: functionName, path, prefix: logPrefix },
  };
}

/** Rewrite triggers: rules become maps by where they look. */
export const rewriteTriggers: Convert = (value, path, report) => {
  if (!Array.isArray(value)) return value;
  return value.map((trigger: unknown, i) => {
    if (!isObject(trigger)) return trigger;
    const { condition, rewriteTo, rules } = trigger;
    const options = Array.isArray(rules) ? triggerOptions(rules, `${path}[${i}].rules`, report) : {};
    return { on: condition, rewrite_to: rewriteTo, options };
  });
};

const ruleMaps: Readonly<Record<string, string>> = {
  header: 'header_matches',
  query: 'query_val_matches',
  path: 'path_part_matches',
  sessionMetadata: 'session_meta_matches',
  requestContext: 'request_context_matches',
};

function triggerOptions(rules: readonly unknown[], path: string, report: Report): JsonObject {
  const options: Record<string, unknown> = {};
  rules.forEach((rule, i) => {
    if (!isObject(rule)) return;
    const match = { match_rx: rule.pattern, reverse: rule.negate };
    const place = textOf(rule.in);
    const map = ruleMaps[place];
    if (map !== undefined) {
      options[map] = { ...(options[map] as JsonObject | undefined), [textOf(rule.name)]: match };
    } else if (place === 'requestBody') options.payload_matches = match;
    else {
      const known = [...Object.keys(ruleMaps), 'requestBody'].join(', ');
      report.invalid(`${path}[${i}].in`, `is no place to look: "${place}"`, `write one of ${known}`);
    }
  });
  return options;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
