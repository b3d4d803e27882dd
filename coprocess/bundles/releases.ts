import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from './problem.ts';
import type { WholeSignature } from './whole-signature.ts';

/**
 * Remembers the newest release of each signed name, beside the bundles: an older one, however well signed, is a way back to a fault that was
 * cured.
 */
export class Releases {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws {BundleError} when a newer release of this name was taken before. */
  async check({ name, release }: WholeSignature): Promise<void> {
    const newest = (await this.read())[name] ?? 0;
    if (release < newest) {
      throw new BundleError(`it is release ${release} of "${name}", and release ${newest} was here before`);
    }
  }

  async note({ name, release }: WholeSignature): Promise<void> {
    const known = await this.read();
    if ((known[name] ?? 0) >= release) return;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const aside = `${this.file}.${process.pid}`;
    await writeFile(aside, JSON.stringify({ ...known, [name]: release }), { mode: 0o600 });
    await rename(aside, this.file);
  }

  private get file(): string {
    return join(this.folder, 'releases.json');
  }

  private async read(): Promise<Record<string, number>> {
    try {
      return JSON.parse(await readFile(this.file, 'utf8')) as Record<string, number>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
  }
}
