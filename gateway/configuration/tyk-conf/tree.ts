import { type Path, pathText } from '../problem.ts';
import { put } from '../tree.ts';
import { fateOf, shapeOf } from './field.ts';
import { type TykConf, tykConf } from './table.ts';

type Json = Record<string | number, unknown>;

/** A configuration of ours in the making, which remembers the key of the tyk.conf that each of its keys came from. */
export class UserTree {
  tree: unknown = {};
  readonly origins = new Map<string, Path>();

  /** Set a key; `undefined` sets none. `from` is `storage.host` or the like, and empty for what no key of the tyk.conf decides. */
  set(path: string, from: string, value: unknown): void {
    if (value === undefined) return;
    const steps = path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    this.tree = put(this.tree, steps, value);
    if (from !== '') this.origins.set(pathText(steps), from.split('.'));
  }

  /** The key of the tyk.conf behind a key of ours, or behind the nearest one above it. */
  originOf(path: Path): Path | undefined {
    for (let length = path.length; length > 0; length--) {
      const origin = this.origins.get(pathText(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return undefined;
  }
}

/** Copy what is one key there and one key here: the rows of the table with `to`. */
export function copyPlainKeys(conf: TykConf, tree: UserTree): void {
  const copy = (values: Json, shape: typeof tykConf.shape | Record<string, never>, above: readonly string[]): void => {
    for (const [key, field] of Object.entries(shape)) {
      const value = values[key];
      const below = shapeOf(field);
      if (value === undefined) continue;
      const path = [...above, key];
      if (below !== undefined) copy(value as Json, below as Record<string, never>, path);
      const { to, unit } = fateOf(field);
      // An empty text is how a tyk.conf says "none".
      if (to !== undefined && value !== '')
        tree.set(to, path.join('.'), unit === 's' ? Math.round(Number(value) * 1000) : value);
    }
  };
  copy(conf as Json, tykConf.shape, []);
}
