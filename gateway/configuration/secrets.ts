import type { Environment } from './environment.ts';
import { type Path, type Problem, pathText } from './problem.ts';

const reference = /^env:\/\/([A-Za-z_][A-Za-z0-9_]*)$/;

/** Where a key came from, for messages; with the path that it has there, if that is another one. */
export type Locate = (path: Path) => Pick<Problem, 'source' | 'line' | 'column'> & { readonly path?: string };

/**
 * Replace each text `env://NAME`, anywhere in the tree, by the environment variable NAME. `used` receives path and name of each.
 * A variable that is not set, or empty, is a problem.
 */
export function fillSecrets(
  tree: unknown,
  environment: Environment,
  locate: Locate,
  used: Map<string, string>,
): { tree: unknown; problems: Problem[] } {
  const problems: Problem[] = [];
  const fill = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown, i) => fill(item, [...path, i]));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, [...path, key])]));
    }
    if (typeof value !== 'string' || !value.startsWith('env://')) return value;
    const name = reference.exec(value)?.[1];
    const text = name === undefined ? undefined : environment[name];
    if (name !== undefined && text !== undefined && text !== '') {
      used.set(pathText(path), name);
      return text;
    }
    problems.push({
      path: pathText(path),
      ...locate(path),
      message:
        name === undefined
          ? 'names no environment variable'
          : `is to come from the environment variable ${name}, which is not set`,
      cure:
        name === undefined
          ? 'Write env://NAME, with letters, digits and _ in NAME.'
          : `Set ${name}, or write the value here.`,
    });
    return value;
  };
  return { tree: fill(tree, []), problems };
}
