import { mkdir, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { newId } from '../key-names.ts';
import { type Policy, policyJson, readPolicy } from './policy.ts';

/** The policies in force, and the files that they come from. What is written to the files is in force after the next load. */
export interface Policies {
  get(id: string): Policy | undefined;
  all(): readonly Policy[];
  /** Another number after each load. */
  readonly revision: number;
  /**
   * Read the files. One that cannot be read leaves out its policies, and the others load.
   * @returns what is wrong with which file.
   */
  load(): Promise<readonly string[]>;
  /** Write a policy; one without id gets one. @returns its id. @throws {PolicyFileError} */
  save(policy: Policy): Promise<string>;
  /** @throws {PolicyFileError} also when there is no such file. */
  remove(id: string): Promise<void>;
}

/** A policy could not be written or removed. */
export class PolicyFileError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PolicyFileError';
  }
}

/**
 * @param path a folder with one policy per `*.json`, or one file with a map from id to policy. None of them yet: no policies.
 */
export async function createPolicies(path: string): Promise<{ policies: Policies; problems: readonly string[] }> {
  const policies = new PolicyFiles(path);
  return { policies, problems: await policies.load() };
}

class PolicyFiles implements Policies {
  revision = 0;
  private readonly path: string;
  private byId: ReadonlyMap<string, Policy> = new Map();

  constructor(path: string) {
    this.path = path;
  }

  get(id: string): Policy | undefined {
    return this.byId.get(id);
  }

  all(): readonly Policy[] {
    return [...this.byId.values()];
  }

  async load(): Promise<readonly string[]> {
    const problems: string[] = [];
    const byId = new Map<string, Policy>();
    const kind = await kindOf(this.path);
    if (kind === 'file') await this.loadMap(byId, problems);
    else if (kind === 'folder') await this.loadFolder(byId, problems);
    this.byId = byId;
    this.revision++;
    return problems;
  }

  async save(policy: Policy): Promise<string> {
    const id = policy.id === undefined || policy.id === '' ? newId() : policy.id;
    const whole = { ...policy, id };
    try {
      if ((await kindOf(this.path)) === 'file') await this.changeMap((map) => Object.assign(map, { [id]: whole }));
      else await writeWhole(this.fileOf(id), policyJson(whole));
    } catch (error) {
      throw asFileError(error, `policy "${id}" could not be written`);
    }
    return id;
  }

  async remove(id: string): Promise<void> {
    try {
      if ((await kindOf(this.path)) !== 'file') return await unlink(this.fileOf(id));
      await this.changeMap((map) => {
        if (!Object.hasOwn(map, id)) throw new PolicyFileError(`there is no policy "${id}" in ${this.path}`);
        delete map[id];
      });
    } catch (error) {
      throw asFileError(error, `policy "${id}" could not be removed`);
    }
  }

  private async loadFolder(byId: Map<string, Policy>, problems: string[]): Promise<void> {
    const names = (await readdir(this.path)).filter((name) => name.endsWith('.json'));
    for (const name of names.sort((a, b) => a.localeCompare(b))) {
      const file = join(this.path, name);
      try {
        const policy = readPolicy(JSON.parse(await readFile(file, 'utf8')));
        const id = policy.id || basename(name, '.json');
        byId.set(id, { ...policy, id });
      } catch (error) {
        problems.push(`${file}: ${(error as Error).message}`);
      }
    }
  }

  private async loadMap(byId: Map<string, Policy>, problems: string[]): Promise<void> {
    let map: Record<string, unknown>;
    try {
      map = await this.readMap();
    } catch (error) {
      problems.push(`${this.path}: ${(error as Error).message}`);
      return;
    }
    for (const [id, entry] of Object.entries(map)) {
      try {
        byId.set(id, { ...readPolicy(entry), id });
      } catch (error) {
        problems.push(`${this.path}, policy "${id}": ${(error as Error).message}`);
      }
    }
  }

  private async readMap(): Promise<Record<string, unknown>> {
    const map: unknown = JSON.parse(await readFile(this.path, 'utf8'));
    if (typeof map !== 'object' || map === null || Array.isArray(map)) {
      throw new TypeError('the file must hold an object: policies by their ids');
    }
    return map as Record<string, unknown>;
  }

  private async changeMap(change: (map: Record<string, unknown>) => void): Promise<void> {
    const map = await this.readMap();
    change(map);
    await writeWhole(this.path, JSON.stringify(map, undefined, 2));
  }

  private fileOf(id: string): string {
    // Ids come out of requests; a file must stay in the folder.
    if (!/^[^/\\\0]+$/.test(id) || id.startsWith('.'))
      throw new PolicyFileError(`"${id}" cannot be the name of a policy's file`);
    return join(this.path, `${id}.json`);
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'none'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none';
    throw error;
  }
}

/** The old file stays until the new one is whole. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const next = `${path}.next`;
  await writeFile(next, text);
  await rename(next, path);
}

function asFileError(error: unknown, message: string): PolicyFileError {
  return error instanceof PolicyFileError ? error : new PolicyFileError(message, { cause: error });
}
