import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { type Parsed, parseClassic } from './classic.ts';
import { Fields, isObject } from './fields.ts';
import { parseOas, parseTwins } from './oas.ts';
import type { DefinitionOptions } from './options.ts';
import { type Refusal, Report } from './problem.ts';
import { secretReference } from './secrets.ts';

/** A file that holds an API, and the OpenAPI document beside it if there is one. */
export interface DefinitionFile {
  readonly path: string;
  readonly companion: string | undefined;
}

/** Tells that files have not changed; undefined when that cannot be told. */
export type Fingerprint = string | undefined;

/** Clocks of file systems tick coarsely: a file that changed a moment ago may change again without a trace. */
const settledAfterMs = 2000;

export function fingerprintOf(file: DefinitionFile): Fingerprint {
  let fingerprint = '';
  for (const path of [file.path, file.companion]) {
    const stat = path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) {
      if (path === undefined) continue;
      return undefined;
    }
    if (Date.now() - Number(stat.mtimeMs) < settledAfterMs) return undefined;
    fingerprint += `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs};`;
  }
  return fingerprint;
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a !== undefined && a === b;
}

/** The API of a file. `volatile`: it may be another one next time although the file stays as it is. */
export function parseFile(file: DefinitionFile, options: DefinitionOptions): { parsed: Parsed; volatile: boolean } {
  const main = readDocument(file.path);
  if (main.parsed !== undefined) return { parsed: main.parsed, volatile: true };
  const { value } = main;
  if (file.companion === undefined || !isTwin(value)) {
    return { parsed: parseDocument(value, file, options), volatile: main.volatile };
  }
  const companion = readDocument(file.companion);
  if (companion.parsed !== undefined) return { parsed: companion.parsed, volatile: true };
  const parsed = parseTwins(value, companion.value, file.path, options);
  return { parsed, volatile: main.volatile || companion.volatile };
}

function isTwin(value: unknown): boolean {
  return isObject(value) && new Fields(value, '', new Report('', [])).raw('is_oas') === true;
}

function parseDocument(value: unknown, file: DefinitionFile, options: DefinitionOptions): Parsed {
  if (isObject(value) && (value.openapi !== undefined || value.swagger !== undefined)) {
    return parseOas(value, file.path, options);
  }
  if (!file.path.endsWith('.json')) {
    return unreadable(
      file.path,
      'is no OpenAPI document',
      'write `openapi` and `x-tyk-api-gateway`; Classic definitions are JSON files',
    );
  }
  const parsed = parseClassic(value, file.path, options);
  if (!isTwin(value)) return parsed;
  const warning = `${file.path}: is_oas: there is no ${basename(file.path, '.json')}-oas.json beside it; mocks are missing`;
  return { ...parsed, warnings: [...parsed.warnings, warning] };
}

/** What a JSON or YAML file holds, or the refusal of it. */
function readDocument(path: string): { value?: unknown; volatile: boolean; parsed?: Parsed } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const parsed = unreadable(path, `cannot be read (${code})`, 'make it a file that this process may read');
    return { volatile: true, parsed };
  }
  const json = path.endsWith('.json');
  try {
    const value: unknown = json ? JSON.parse(text) : parseYaml(text);
    return { value, volatile: secretReference.test(text) };
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0];
    return {
      volatile: true,
      parsed: unreadable(path, `is no ${json ? 'JSON' : 'YAML'}: ${reason}`, 'correct the syntax'),
    };
  }
}

function unreadable(source: string, what: string, cure: string): Parsed {
  const refusal: Refusal = {
    source,
    kind: 'unreadable',
    problems: [{ path: '', what, cure }],
    id: basename(source).replace(/\.(?:json|ya?ml)$/, ''),
    listenPath: '',
    domain: '',
  };
  return { refusal, warnings: [], unknownKeys: [] };
}
