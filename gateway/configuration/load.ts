import { dirname, resolve } from 'node:path';
import type { Configuration } from './configuration.ts';
import { type ConfigurationDocument, readDocument } from './document.ts';
import { type Environment, nearestVariable, type Origins, overlayEnvironment } from './environment.ts';
import { problemsOf } from './issues.ts';
import { ConfigurationError, type Path, type Problem, pathText } from './problem.ts';
import type { Context } from './resolve/context.ts';
import { resolveChecked } from './resolve/index.ts';
import { configurationSchema, type UserConfiguration } from './schema/index.ts';
import { fillSecrets, type Locate } from './secrets.ts';
import { put } from './tree.ts';

/** A key that something else than file and environment decides: an option of the command line. */
export interface Override {
  readonly path: Path;
  readonly value: unknown;
  /** What messages call it, as `option --listen`. */
  readonly source: string;
}

export interface ResolveOptions {
  /** Where relative paths start. @default the working directory */
  readonly folder?: string;
  /** `INTERPOSE_...` overrides, and values of `env://NAME`. @default none */
  readonly environment?: Environment;
  /** They come before all else. @default none */
  readonly overrides?: readonly Override[];
  /** What messages call it. @default "configuration" */
  readonly source?: string;
  /** Where in its file a key stands. */
  readonly locate?: Locate;
}

/**
 * Check a configuration, fill in its defaults, and read what it names (certificates, keys).
 * @throws {ConfigurationError} with every problem, before anything is opened.
 */
export function resolveConfiguration(user: UserConfiguration = {}, options: ResolveOptions = {}): Configuration {
  return resolveTree(user, options);
}

/**
 * Read a YAML or JSON file. Relative paths in it start from its own folder. An empty file is one where every key has its default.
 * @throws {ConfigurationError}
 */
export function loadConfiguration(
  file: string,
  environment: Environment,
  overrides: readonly Override[] = [],
): Configuration {
  const document = readDocument(file);
  return resolveTree(document.tree ?? {}, {
    folder: dirname(resolve(file)),
    environment,
    overrides,
    source: file,
    locate: locateIn(document),
  });
}

function locateIn(document: ConfigurationDocument): Locate {
  return (path) => ({ source: document.file, ...document.positionOf(path) });
}

/** All steps, in order: environment and overrides over the tree, `env://` into its texts, the schema, and what goes beyond a schema. */
export function resolveTree(tree: unknown, options: ResolveOptions): Configuration {
  const { folder = process.cwd(), environment = {}, overrides = [], source = 'configuration' } = options;
  const origins: Origins = new Map();
  const inFile = options.locate ?? (() => ({ source }));
  const locate: Locate = (path) => fromElsewhere(origins, path) ?? inFile(path);
  const context: Context = { source, folder, locate, problems: [], warnings: [] };

  const overlaid = overlayEnvironment(tree, environment, origins);
  let written = overlaid.tree;
  for (const { path, value, source: from } of overrides) {
    written = put(written, path, value);
    origins.set(pathText(path), from);
  }
  const secrets = new Map<string, string>();
  const filled = fillSecrets(written, environment, locate, secrets);
  context.warnings.push(...misspelt(overlaid.unused, new Set(secrets.values())));

  const checked = configurationSchema.safeParse(filled.tree);
  const issues = checked.success ? [] : problemsOf(checked.error.issues, written, locate);
  // Where `env://` may not stand at all, that is what is wrong, and not that the variable is missing.
  const missing = filled.problems.filter(({ path }) => issues.every((issue) => issue.path !== path));
  context.problems.push(...overlaid.problems, ...missing, ...issues);
  const configuration = checked.success ? resolveChecked(context, checked.data) : undefined;
  if (configuration === undefined || context.problems.length > 0)
    throw new ConfigurationError(inOrder(context.problems));
  return configuration;
}

/** A key, or one above it, that did not come from the file. */
function fromElsewhere(origins: Origins, path: Path): { source: string } | undefined {
  for (let length = path.length; length > 0; length--) {
    const source = origins.get(pathText(path.slice(0, length)));
    if (source !== undefined) return { source };
  }
  return undefined;
}

function misspelt(unused: readonly string[], secrets: ReadonlySet<string>): string[] {
  return unused.flatMap((name) => {
    const meant = secrets.has(name) ? undefined : nearestVariable(name);
    return meant === undefined ? [] : [`The environment variable ${name} sets nothing; was ${meant} meant?`];
  });
}

/** As they stand in the file, what has no place last. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const line = (problem: Problem): number => problem.line ?? Number.POSITIVE_INFINITY;
  return [...problems].sort((a, b) => (line(a) === line(b) ? (a.column ?? 0) - (b.column ?? 0) : line(a) - line(b)));
}
