import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../definitions/index.ts';

/** The folder of definitions, as the control API writes it: what is written counts at the next reload. */
export interface DefinitionFiles {
  /** Write a Classic definition, and remove the OpenAPI document that may stand beside it. */
  writeClassic(id: string, definition: JsonObject): Promise<void>;
  /** Write an OpenAPI document and the Classic structure it compiles to: the pair that the contract has. */
  writeOas(id: string, document: JsonObject, classic: JsonObject): Promise<void>;
  /** Remove an API's files. */
  remove(id: string): Promise<void>;
  /** The document at a path in the folder; undefined when it is gone or no JSON. */
  read(name: string): Promise<JsonObject | undefined>;
  /** The OpenAPI document of an API. */
  readOas(id: string): Promise<JsonObject | undefined>;
}

/** Ids become file names, so they hold nothing that a path could be made of. */
export function isFileId(id: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/.test(id);
}

/** An id for a definition that brings none: 32 hex digits. */
export function newApiId(): string {
  return randomBytes(16).toString('hex');
}

export function definitionFiles(folder: string): DefinitionFiles {
  const classicPath = (id: string): string => join(folder, `${id}.json`);
  const oasPath = (id: string): string => join(folder, `${id}-oas.json`);

  /** Aside first, then renamed, so that a reload never reads half a file. */
  async function write(path: string, document: JsonObject): Promise<void> {
    await mkdir(folder, { recursive: true });
    const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`;
    await writeFile(aside, `${JSON.stringify(document, null, 2)}\n`);
    await rename(aside, path);
  }

  async function readJson(path: string): Promise<JsonObject | undefined> {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as JsonObject;
    } catch {
      return undefined;
    }
  }

  return {
    async writeClassic(id, definition) {
      await write(classicPath(id), definition);
      if (existsSync(oasPath(id))) await rm(oasPath(id));
    },
    async writeOas(id, document, classic) {
      await write(oasPath(id), document);
      await write(classicPath(id), classic);
    },
    async remove(id) {
      await rm(classicPath(id), { force: true });
      await rm(oasPath(id), { force: true });
    },
    read: (name) => readJson(join(folder, name)),
    readOas: (id) => readJson(oasPath(id)),
  };
}
