import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

/** CommonJS packages call `require` for Node's own modules. esbuild renames a `require` that a plugin makes for itself. */
export function requireBanner(folder: string): string {
  const from = JSON.stringify(pathToFileURL(join(folder, 'plugin.js')).href);
  return `import { createRequire as __interposeRequire } from 'node:module'; const require = __interposeRequire(${from});`;
}

/** `interpose/plugin` is the sdk of this very program, so that plugins fit it whatever version they have installed for their types. */
export const sdk: Plugin = {
  name: 'interpose',
  setup(context) {
    const folder = join(import.meta.dirname, '..', '..', 'sdk');
    context.onResolve({ filter: /^interpose\/plugin$/ }, () => ({
      path: join(folder, `index${extname(import.meta.filename)}`),
    }));
  },
};

/** A bundled module does not lie where its source does; plugins that look for files beside themselves must find them nevertheless. */
export const importMeta: Plugin = {
  name: 'import.meta',
  setup(context) {
    context.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes('import.meta.')) return undefined;
      const known = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path };
      const contents = source.replaceAll(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, name: keyof typeof known) =>
        JSON.stringify(known[name]),
      );
      return { contents, loader: loaderOf(path) };
    });
  },
};

function loaderOf(path: string): 'ts' | 'tsx' | 'js' | 'jsx' {
  if (path.endsWith('.tsx')) return 'tsx';
  if (path.endsWith('.jsx')) return 'jsx';
  return /\.[cm]?ts$/.test(path) ? 'ts' : 'js';
}
