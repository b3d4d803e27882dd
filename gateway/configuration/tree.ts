import type { Path } from './problem.ts';

type Node = Readonly<Record<string | number, unknown>>;

/** What stands at a path of plain data; undefined where nothing does. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const step of path) value = typeof value === 'object' && value !== null ? (value as Node)[step] : undefined;
  return value;
}

/**
 * A copy with a value put in; maps and lists on the way are made. A path that leads through anything else changes nothing: whoever
 * checks the tree will refuse what is there.
 */
export function put(tree: unknown, path: Path, value: unknown): unknown {
  const [step, ...below] = path;
  if (step === undefined) return value;
  if (tree !== undefined && tree !== null && typeof tree !== 'object') return tree;
  const inner = put(valueAt(tree, [step]), below, value);
  if (typeof step === 'string') return { ...tree, [step]: inner };
  const list: unknown[] = Array.isArray(tree) ? [...(tree as unknown[])] : [];
  list[step] = inner;
  return list;
}
