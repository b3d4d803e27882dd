import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { HookSpec, HookType } from '../../contract/plugin-set.ts';
import type { Script } from './options.ts';

export interface FoundScript extends Script {
  readonly type: HookType;
}

/** The source of a hook, or why there is none. */
export function findScript(hook: HookSpec, folders: readonly string[]): FoundScript | { readonly reason: string } {
  const { path, code, type, index } = hook;
  if (code !== undefined && code !== '') {
    const text = Buffer.from(code, 'base64').toString('utf8');
    return { type, name: path === '' ? `code of hook ${index}` : path, code: text };
  }
  if (path === '') return { reason: 'it has no "path": name the file that defines it' };
  if (!/\.js[^/]*$/.test(path)) return { reason: `${path} is no script: its name must end in .js` };
  const candidates = isAbsolute(path) ? [path] : folders.map((folder) => resolve(folder, path));
  for (const file of candidates) {
    try {
      return { type, name: path, code: readFileSync(file, 'utf8') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        return { reason: `${file} cannot be read: ${(error as Error).message}` };
    }
  }
  return { reason: `${path} does not exist in ${folders.join(' or ')}` };
}

/** The order in which files run (spec/platform-contract §1.1): what the last one defines counts. */
const order: readonly HookType[] = ['auth', 'pre', 'post', 'postKeyAuth', 'response', 'virtual', 'event'];

export function scriptOrder(found: ReadonlyMap<HookSpec, FoundScript>): FoundScript[] {
  return [...found.values()].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
}
