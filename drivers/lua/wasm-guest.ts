import { readFileSync, readSync, writeSync } from 'node:fs';
import type { LuaFactory } from 'wasmoon';

/**
 * The program of a guest that runs guest/main.lua on wasmoon: it lends Lua the channel, the clock and its files. Everything is synchronous, so
 * that Lua can wait for the host. Bytes cross as they are, through the engine's C interface: wasmoon's own conversion cuts strings at NUL and
 * takes them for UTF-8.
 */

// What plugins print. The engine takes this function when it is imported; the stream behind the console would wait for an event loop that
// never turns.
console.log = (text: unknown) => {
  writeAll(1, Buffer.from(`${String(text)}\n`));
};
console.error = console.warn = (text: unknown) => {
  writeAll(2, Buffer.from(`${String(text)}\n`));
};
const { LuaFactory: Factory }: { LuaFactory: typeof LuaFactory } = await import('wasmoon');
const lua = await new Factory().getLuaModule();
const { module } = lua;
/** The engine's C functions as they are: wasmoon's typed ones convert strings. */
const C = module as unknown as {
  _lua_tolstring(state: number, index: number, length: number): number;
  _lua_pushlstring(state: number, bytes: number, length: number): number;
};

const [inputFd, outputFd] = [3, 4];
const state = lua.luaL_newstate();
lua.luaL_openlibs(state);
/** Room for a `size_t`. */
const lengthAt = module._malloc(4);

/** The argument as bytes: a view that is good until Lua runs again. */
function bytesAt(state: number, index: number): Buffer {
  const at = C._lua_tolstring(state, index, lengthAt);
  const length = new DataView(module.HEAPU8.buffer).getUint32(lengthAt, true);
  return Buffer.from(module.HEAPU8.buffer, at, length);
}

function textAt(state: number, index: number): string {
  return bytesAt(state, index).toString('utf8');
}

function push(state: number, bytes: Uint8Array): number {
  const at = module._malloc(bytes.length + 1);
  module.HEAPU8.set(bytes, at);
  C._lua_pushlstring(state, at, bytes.length);
  module._free(at);
  return 1;
}

function readAll(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const n = readSync(inputFd, bytes, at, length - at, null);
    // The host has gone.
    if (n === 0) process.exit();
    at += n;
  }
  return bytes;
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What guest/luajit.lua has, for this engine. Each takes the arguments from the stack of the Lua thread that calls, and returns how many results it pushed. */
const carrier: Record<string, (state: number) => number> = {
  read: (state) => push(state, readAll(lua.lua_tonumberx(state, 1, null))),
  write: (state) => {
    writeAll(outputFd, bytesAt(state, 1));
    return 0;
  },
  now_us: (state) => {
    lua.lua_pushnumber(state, performance.now() * 1000);
    return 1;
  },
  read_part: (state) => push(state, readFileSync(new URL(`guest/${textAt(state, 1)}`, import.meta.url))),
  read_file: (state) => {
    try {
      return push(state, readFileSync(textAt(state, 1)));
    } catch (error) {
      lua.lua_pushnil(state);
      return 1 + push(state, Buffer.from((error as Error).message));
    }
  },
  base64_encode: (state) => push(state, Buffer.from(bytesAt(state, 1).toString('base64'), 'latin1')),
  base64_decode: (state) => {
    const text = bytesAt(state, 1)
      .toString('latin1')
      .replace(/[\r\n]/g, '');
    if (base64.test(text)) return push(state, Buffer.from(text, 'base64'));
    lua.lua_pushnil(state);
    return 1;
  },
};

lua.lua_createtable(state, 0, 8);
for (const [name, run] of Object.entries(carrier)) {
  lua.lua_pushcclosure(state, module.addFunction(run, 'ii'), 0);
  lua.lua_setfield(state, -2, name);
}
lua.lua_setglobal(state, 'carrier');

function runFile(name: string): void {
  const text = readFileSync(new URL(`guest/${name}`, import.meta.url), 'utf8');
  const length = Buffer.byteLength(text);
  if (
    lua.luaL_loadbufferx(state, text, length, `=${name}`, null) !== 0 ||
    lua.lua_pcallk(state, 0, 0, 0, 0, null) !== 0
  ) {
    throw new Error(lua.lua_tolstring(state, -1, null));
  }
}

runFile('wasm.lua');
runFile('main.lua');
process.exit();
