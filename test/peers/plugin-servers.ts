import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { built } from './built.ts';
import { run } from './command.ts';
import { python, pythonCure } from './python.ts';
import { type Server, start } from './server.ts';

/** A `coprocess.Dispatcher` in another language, from a folder of `examples/`. */
export interface PluginServer extends Server {
  /** Where it listens: `127.0.0.1:port`, or `unix:/path`. */
  readonly address: string;
}

export interface PluginServerOptions {
  /** Passed as `--listen`. @default '127.0.0.1:0', a free port */
  readonly listen?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export const goCure = 'install Go 1.25 or newer';
const javaCure = 'install a Java development kit, 17 or newer';
const mavenCure = 'install Maven 3.8 or newer';
const root = join(import.meta.dirname, '../..');

/**
 * Builds the Go program in `folder` (below the project's root) and starts it.
 * @throws {MissingTool} without Go.
 */
export async function go(folder: string, options: PluginServerOptions = {}): Promise<PluginServer> {
  const program = await goProgram(folder);
  return listening({ program, args: [], cure: goCure }, options);
}

/** The built Go program of a folder. */
export async function goProgram(folder: string): Promise<string> {
  const sources = join(root, folder);
  const home = await built({
    name: `go-${basename(folder)}`,
    inputs: [sources],
    limitMs: 600_000,
    async build(out) {
      const args = ['build', '-trimpath', '-o', join(out, 'server'), '.'];
      await run({ program: 'go', args, cure: goCure, cwd: sources, env: { CGO_ENABLED: '0' } });
    },
  });
  return join(home, 'server');
}

/**
 * Packages the Maven project in `folder` and starts its jar.
 * @throws {MissingTool} without Java or Maven.
 */
export async function java(folder: string, options: PluginServerOptions = {}): Promise<PluginServer> {
  const args = ['-XX:+UseSerialGC', '-jar', await javaJar(folder)];
  return listening({ program: 'java', args, cure: javaCure }, options);
}

/** The jar of a Maven project, with all that it needs inside. */
export async function javaJar(folder: string): Promise<string> {
  const sources = join(root, folder);
  const protoFolder = join(root, 'proto/coprocess');
  const home = await built({
    name: `java-${basename(folder)}`,
    inputs: [sources, protoFolder],
    limitMs: 900_000,
    async build(out) {
      await run({ program: 'java', args: ['-version'], cure: javaCure });
      // A copy is packaged, so that nothing is left among the sources and two processes never meet there.
      const isSource = (path: string): boolean => basename(path) !== 'target';
      await cp(sources, join(out, 'project'), { recursive: true, filter: isSource });
      const args = ['--quiet', '--batch-mode', `-Dproto.folder=${protoFolder}`, 'package'];
      await run({ program: 'mvn', args, cure: mavenCure, cwd: join(out, 'project') });
    },
  });
  return join(home, 'project/target/plugin-server.jar');
}

/**
 * Starts `server.py` of `folder` in the virtual environment of the tests.
 * @throws {MissingTool} without Python 3.
 */
export async function pythonServer(folder: string, options: PluginServerOptions = {}): Promise<PluginServer> {
  return listening({ program: await python(), args: [join(root, folder, 'server.py')], cure: pythonCure }, options);
}

async function listening(
  command: { program: string; args: readonly string[]; cure: string },
  { listen = '127.0.0.1:0', env = {} }: PluginServerOptions,
): Promise<PluginServer> {
  const args = [...command.args, '--listen', listen];
  const server = await start({ ...command, args, env, readyPattern: /^listening on (\S+)\n/m });
  return { ...server, address: server.ready[1] as string };
}
