import type { HookReport, HookType } from '../../contract/plugin-set.ts';
import { type Hook, hookMark, hookVersion } from '../../sdk/hook.ts';

/** A hook as the definition wants it. */
export interface WantedHook {
  readonly type: HookType;
  readonly name: string;
  readonly path: string;
}

/** Where a definition lists hooks of a phase. */
const places: Record<HookType, string> = {
  pre: '"pre"',
  auth: '"auth_check"',
  postKeyAuth: '"post_key_auth"',
  post: '"post"',
  response: '"response"',
  virtual: '"virtual"',
  event: '"event_handlers"',
};

/** Find a hook among a module's exports, or say what is wrong and what to do about it. */
export function findHook(
  exports: object,
  wanted: WantedHook,
): { hook: Hook; report: HookReport } | { report: HookReport } {
  const value = (exports as Record<string, unknown>)[wanted.name];
  const problem = value === undefined ? missing(exports, wanted) : mismatch(value, wanted);
  if (problem !== undefined) return { report: { ready: false, reason: problem } };
  const hook = value as Hook;
  return { hook, report: { ready: true, body: hook.body === 'none' ? 'none' : 'buffered' } };
}

function mismatch(value: unknown, { name, path, type }: WantedHook): string | undefined {
  const mark = isObject(value) ? value[hookMark] : undefined;
  if (mark === undefined) {
    return `the export "${name}" of ${path} is no hook but of type ${typeof value}: write "export const ${name} = ${type}(...)"`;
  }
  if (mark !== hookVersion) return `the export "${name}" of ${path} was made by another version of interpose/plugin`;
  const { phase } = value as unknown as Hook;
  if (phase === type) return undefined;
  return (
    `the export "${name}" of ${path} is a hook of phase ${phase}, and the definition lists it under ${places[type]}: ` +
    `list it under ${places[phase]}, or write "export const ${name} = ${type}(...)"`
  );
}

function missing(exports: object, { name, path }: WantedHook): string {
  const hooks = Object.entries(exports).filter(([, value]) => isObject(value) && hookMark in value);
  if (hooks.length === 0) return `${path} has no export "${name}", nor any other hook`;
  const names = hooks.map(([known]) => known);
  const furthest = name.length <= 3 ? 1 : Math.max(2, Math.floor(name.length / 3));
  const nearest = names.filter((known) => distance(known, name) <= furthest).map((known) => `"${known}"`);
  const hint = nearest.length === 0 ? '.' : `; did you mean ${nearest.join(' or ')}?`;
  const list = hooks.map(([known, hook]) => `${known} (${(hook as Hook).phase})`).join(', ');
  return `${path} has no export "${name}"${hint} Its hooks are: ${list}`;
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Number of letters to insert, delete or replace to get from one name to the other; case does not count. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
