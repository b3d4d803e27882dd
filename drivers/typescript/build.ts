import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildFailure, build, type Message } from 'esbuild';
import { importMeta, requireBanner, sdk } from './esbuild-plugins.ts';

/** What became of the source files of a plugin set. */
export interface Bundle {
  /** By `path` of the definition: the file of the bundled module, or why there is none. */
  readonly modules: ReadonlyMap<string, BundledModule>;
  /** Every source file that went in, as far as they are known. */
  readonly inputs: readonly string[];
  /** What was written for the owner; see {@link Bundler.remove}. */
  readonly folders: readonly string[];
}

type BundledModule = { readonly file: string } | { readonly reason: string };

/** What esbuild made of some files. */
interface Built {
  readonly hash: string;
  readonly outputs: readonly { readonly name: string; readonly contents: Uint8Array }[];
  readonly inputs: readonly string[];
  /** Of `inputs`: when they were changed last, and how large they are. */
  readonly stamp: string;
}

/** Bundles plugins into a folder of its own, which `close` removes. What has not changed is not built again. */
export class Bundler {
  private readonly output: Promise<string>;
  private readonly built = new Map<string, Built>();
  private guest: Promise<string> | undefined;

  constructor() {
    // Permissions and source maps go by real paths.
    this.output = mkdtemp(join(tmpdir(), 'interpose-typescript-')).then((folder) => realpathSync(folder));
    this.output.catch(() => {});
  }

  /** Where all results are. */
  get outputFolder(): Promise<string> {
    return this.output;
  }

  /** The program of guests: one file, so that it starts fast and needs to read nothing else. */
  guestProgram(): Promise<string> {
    this.guest ??= this.bundleGuest();
    return this.guest;
  }

  /**
   * Bundle these files of a folder, named as in definitions. Sets with different owners get modules of their own, also when the source is
   * the same. Does not reject for what is wrong with a plugin.
   */
  async bundle(folder: string, paths: readonly string[], owner: string): Promise<Bundle> {
    const modules = new Map<string, BundledModule>();
    const entries = new Map<string, string>();
    for (const path of new Set(paths)) {
      const file = resolve(folder, path);
      if (path === '') modules.set(path, { reason: 'the hook has no "path": name the file that exports it' });
      else if (file.startsWith(folder + sep)) entries.set(path, file);
      else modules.set(path, { reason: `"${path}" lies outside of the plugins folder ${folder}` });
    }
    const result = { modules, inputs: new Set(entries.values()), folders: [] };
    if (entries.size > 0) await this.bundleEntries(folder, entries, owner, result);
    return { ...result, inputs: [...result.inputs] };
  }

  /** Remove what was written for an owner that no longer runs. */
  async remove(bundle: Bundle): Promise<void> {
    await Promise.all(bundle.folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  async close(): Promise<void> {
    await rm(await this.output, { recursive: true, force: true });
  }

  /** All files together, so that what they share is one module; when that fails, each by itself, to tell which ones are to blame. */
  private async bundleEntries(
    folder: string,
    entries: ReadonlyMap<string, string>,
    owner: string,
    result: { modules: Map<string, BundledModule>; inputs: Set<string>; folders: string[] },
  ): Promise<void> {
    const { modules, inputs, folders } = result;
    try {
      const built = await this.build(folder, [...entries.values()]);
      for (const input of built.inputs) inputs.add(input);
      const target = join(await this.output, createHash('sha256').update(built.hash).update(owner).digest('hex'));
      folders.push(target);
      await mkdir(target, { recursive: true });
      await Promise.all(built.outputs.map(({ name, contents }) => writeFile(join(target, name), contents)));
      for (const [i, path] of [...entries.keys()].entries()) modules.set(path, { file: join(target, outputName(i)) });
    } catch (error) {
      if (entries.size > 1) {
        for (const entry of entries) await this.bundleEntries(folder, new Map([entry]), owner, result);
      } else {
        for (const path of entries.keys()) modules.set(path, { reason: explain(error, folder) });
        for (const { location } of (error as Partial<BuildFailure>).errors ?? []) {
          if (location !== null) inputs.add(resolve(folder, location.file));
        }
      }
    }
  }

  private async build(folder: string, files: readonly string[]): Promise<Built> {
    const key = files.join('\n');
    const known = this.built.get(key);
    if (known !== undefined && known.stamp === (await stampOf(known.inputs))) return known;
    const startMs = Date.now();
    const result = await build({
      entryPoints: files.map((file, i) => ({ in: file, out: basename(outputName(i), '.mjs') })),
      absWorkingDir: folder,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      splitting: true,
      // The results move to a folder of the same depth, so paths in source maps stay right.
      outdir: join(await this.output, 'build'),
      outExtension: { '.js': '.mjs' },
      sourcemap: 'inline',
      sourcesContent: false,
      metafile: true,
      write: false,
      logLevel: 'silent',
      banner: { js: requireBanner(folder) },
      plugins: [sdk, importMeta],
    });
    const hash = createHash('sha256');
    for (const file of result.outputFiles) hash.update(basename(file.path)).update(file.contents);
    const inputs = Object.keys(result.metafile.inputs).map((path) => resolve(folder, path));
    const built = {
      hash: hash.digest('hex'),
      outputs: result.outputFiles.map(({ path, contents }) => ({ name: basename(path), contents })),
      inputs,
      stamp: await stampOf(inputs),
    };
    // A file that was saved meanwhile may have been read before: such a build is not to be used again.
    if (await areOlder(inputs, startMs)) this.built.set(key, built);
    else this.built.delete(key);
    return built;
  }

  private async bundleGuest(): Promise<string> {
    const file = join(await this.output, 'guest.mjs');
    await build({
      entryPoints: [fileURLToPath(import.meta.resolve('#guest/typescript/guest'))],
      outfile: file,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      logLevel: 'silent',
    });
    return file;
  }
}

/** Entry points get numbers, for two of them may have the same name in different folders. */
function outputName(index: number): string {
  return `plugin-${index}.mjs`;
}

/** Whether all were last written well before that time; a clock of files may lag by some milliseconds. */
async function areOlder(files: readonly string[], timeMs: number): Promise<boolean> {
  const stats = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return stats.every((found) => found !== undefined && found.mtimeMs < timeMs - fileClockLagMs);
}

const fileClockLagMs = 20;

async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = files.map(async (file) => {
    try {
      const { mtimeMs, size } = await stat(file);
      return `${mtimeMs} ${size}`;
    } catch {
      return 'gone';
    }
  });
  return (await Promise.all(stamps)).join();
}

/** What esbuild says, with the place, and with a cure where there is one. */
function explain(error: unknown, folder: string): string {
  const { errors } = error as Partial<BuildFailure>;
  if (errors === undefined) return error instanceof Error ? error.message : String(error);
  return errors.map((message) => explainOne(message, folder)).join('; ');
}

function explainOne({ text, location }: Message, folder: string): string {
  const place = location === null ? '' : `${location.file}:${location.line}:${location.column + 1}: `;
  const missing = /^Could not resolve "([^"./][^"]*)"$/.exec(text)?.[1];
  const cure = missing === undefined ? '' : `: install it with "npm install ${missing}" in ${folder}`;
  const native = extname(location?.file ?? '') === '.node' || /\.node" files/.test(text);
  return `${place}${text}${cure}${native ? ': native addons cannot be bundled' : ''}`;
}
