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

export interface ResolveOptions {
  /** Where relative paths start. @default the working directory */
  readonly folder?: string;
  /** `INTERPOSE_...` overrides, and values of `env://NAME`. @default none */
  readonly environment?: Environment;
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
export function loadConfiguration(file: string, environment: Environment): Configuration {
  const document = readDocument(file);
  return resolveTree(document.tree ?? {}, {
    folder: dirname(resolve(file)),
    environment,
    source: file,
    locate: locateIn(document),
  });
}

function locateIn(document: ConfigurationDocument): Locate {
  return (path) => ({ source: document.file, ...document.positionOf(path) });
}

/** All steps, in order: environment over the tree, `env://` into its texts, the schema, and what goes beyond a schema. */
export function resolveTree(tree: unknown, options: ResolveOptions): Configuration {
  const { folder = process.cwd(), environment = {}, source = 'configuration' } = options;
  const origins: Origins = new Map();
  const inFile = options.locate ?? (() => ({ source }));
  const locate: Locate = (path) => fromVariable(origins, path) ?? inFile(path);
  const context: Context = { source, folder, locate, problems: [], warnings: [] };

  const overlaid = overlayEnvironment(tree, environment, origins);
  const secrets = new Map<string, string>();
  const filled = fillSecrets(overlaid.tree, environment, locate, secrets);
  context.warnings.push(...misspelt(overlaid.unused, new Set(secrets.values())));

  const checked = configurationSchema.safeParse(filled.tree);
  const issues = checked.success ? [] : problemsOf(checked.error.issues, overlaid.tree, locate);
  // Where `env://` may not stand at all, that is what is wrong, and not that the variable is missing.
  const missing = filled.problems.filter(({ path }) => issues.every((issue) => issue.path !== path));
  context.problems.push(...overlaid.problems, ...missing, ...issues);
  const configuration = checked.success ? resolveChecked(context, checked.data) : undefined;
  if (configuration === undefined || context.problems.length > 0)
    throw new ConfigurationError(inOrder(context.problems));
  return configuration;
}

/** A key, or one above it, that a variable set. */
function fromVariable(origins: Origins, path: Path): { source: string } | undefined {
  for (let length = path.length; length > 0; length--) {
    const name = origins.get(pathText(path.slice(0, length)));
    if (name !== undefined) return { source: `environment variable ${name}` };
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
