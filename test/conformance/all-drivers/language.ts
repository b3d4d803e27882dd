import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { UserConfiguration } from '../../../gateway/configuration/index.ts';
import type { PhaseName } from './case.ts';
import { serverHooks } from './plugin-server.ts';

/** A way to run plugins that every case is run with. */
export interface Language {
  /** What cases call it: its own name, or that of the language. */
  readonly names: readonly string[];
  /** As definitions have it. */
  readonly driver: string;
  /** Folder of its plugins, and the ending of their names. */
  readonly folder: string;
  readonly ending: string;
  readonly configuration?: UserConfiguration;
  /** Further members of each hook's `interpose`. */
  readonly interpose?: Readonly<Record<string, unknown>>;
}

export type LanguageName = 'typescript' | 'trusted' | 'javascript' | 'otto' | 'python' | 'lua-wasm' | 'luajit' | 'grpc';

export const languages: Readonly<Record<LanguageName, Language>> = {
  typescript: { names: ['typescript'], driver: 'typescript', folder: 'typescript', ending: 'ts' },
  trusted: {
    names: ['trusted', 'typescript'],
    driver: 'typescript',
    folder: 'typescript',
    ending: 'ts',
    interpose: { isolation: 'none' },
    configuration: { plugins: { trusted: { inProcess: 'yes, I know' } } },
  },
  javascript: { names: ['javascript'], driver: 'javascript', folder: 'javascript', ending: 'js' },
  otto: { names: ['otto', 'javascript'], driver: 'otto', folder: 'javascript', ending: 'js' },
  python: { names: ['python'], driver: 'python', folder: 'python', ending: 'py' },
  'lua-wasm': {
    names: ['lua-wasm', 'lua'],
    driver: 'lua',
    folder: 'lua',
    ending: 'lua',
    configuration: { lua: { engine: 'wasm' } },
  },
  luajit: {
    names: ['luajit', 'lua'],
    driver: 'lua',
    folder: 'lua',
    ending: 'lua',
    configuration: { lua: { engine: 'luajit' } },
  },
  grpc: { names: ['grpc'], driver: 'grpc', folder: 'grpc', ending: 'ts' },
};

const plugins = new URL('./plugins/', import.meta.url);

/** The file that a hook of a phase is in: TypeScript's hooks belong to a phase, so its plugins may have a file for each. */
export function pluginFile({ folder, ending }: Language, plugin: string, phase: PhaseName): string {
  const own = `${plugin}.${phase}.${ending}`;
  return existsSync(new URL(`${folder}/${own}`, plugins)) ? own : `${plugin}.${ending}`;
}

/** All files of the plugins folder, by name. */
export function pluginFiles({ driver, folder }: Language): Record<string, string> {
  if (driver === 'grpc') return {};
  const names = readdirSync(new URL(`${folder}/`, plugins));
  return Object.fromEntries(names.map((name) => [name, readFileSync(new URL(`${folder}/${name}`, plugins), 'utf8')]));
}

/** Whether the language has such a hook at all. */
export function hasHook(language: Language, plugin: string, phase: PhaseName, name: string): boolean {
  if (language.driver === 'grpc') return serverHooks.has(name);
  const file = new URL(`${language.folder}/${pluginFile(language, plugin, phase)}`, plugins);
  return new RegExp(`\\b${name}\\b`).test(readFileSync(file, 'utf8'));
}
