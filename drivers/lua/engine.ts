import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ResolvedOptions } from './options.ts';

/** What runs the guests. */
export interface Engine {
  readonly command: string;
  readonly args: readonly string[];
  /** Resident memory past which a guest is killed: Lua's, and what the program takes by itself. */
  readonly memoryLimitBytes: number;
  /** For the operator. */
  readonly description: string;
}

/** The engine that the options ask for. @throws {Error} when that is LuaJIT, and it is not installed. */
export function chooseEngine({ engine, interpreter, memoryLimitBytes }: ResolvedOptions): Engine {
  const program = engine === 'wasm' ? undefined : findProgram(interpreter);
  if (program !== undefined) return luajit(program, memoryLimitBytes);
  if (engine === 'luajit') {
    throw new Error(
      `there is no program "${interpreter}": install LuaJIT, or set lua.interpreter to where it is, or lua.engine to "wasm"`,
    );
  }
  const why = engine === 'wasm' ? 'as configured' : `since there is no program "${interpreter}"`;
  return wasm(memoryLimitBytes, why);
}

function luajit(program: string, memoryLimitBytes: number): Engine {
  const main = fileURLToPath(new URL('guest/main.lua', import.meta.url));
  return {
    command: program,
    // Address space counts what is reserved too, and what a library maps; twice the limit is out of reach for a plugin within it.
    args: [main, String(2 * memoryLimitBytes + luajitItselfBytes)],
    memoryLimitBytes: memoryLimitBytes + luajitItselfBytes,
    description: `Lua plugins run on LuaJIT (${program})`,
  };
}

function wasm(memoryLimitBytes: number, why: string): Engine {
  const program = fileURLToPath(import.meta.resolve('#guest/lua/wasm-guest'));
  return {
    command: process.execPath,
    // Plugins reach nothing but what the guest hands them; this is the wall behind it. They read their own files through it.
    args: ['--no-warnings', '--permission', '--allow-fs-read=*', '--max-old-space-size=256', program],
    memoryLimitBytes: memoryLimitBytes + nodeItselfBytes,
    description: `Lua plugins run on the built-in engine (Lua 5.4, WebAssembly), ${why}`,
  };
}

const luajitItselfBytes = 8 * 1024 * 1024;
/** Node, the engine and the frames that pass through. */
const nodeItselfBytes = 128 * 1024 * 1024;

/** Full path of a program, given as a path or as a name on PATH. */
function findProgram(name: string): string | undefined {
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
