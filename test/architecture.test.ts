import { glob, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

/**
 * The arrows of docs/architecture.md: which rooms a room may import. A room is the longest of these paths that a file's path
 * begins with; a driver's room, `drivers/NAME`, has the arrows of `drivers/*`.
 */
const arrows: Record<string, readonly string[]> = {
  proto: [],
  contract: ['proto'],
  gateway: ['proto', 'contract'],
  'drivers/driver.ts': ['proto', 'contract'],
  'drivers/guest': ['proto', 'contract', 'drivers/driver.ts'],
  'drivers/*': ['proto', 'contract', 'drivers/driver.ts', 'drivers/guest'],
  // What plugin authors import is run by this driver.
  'drivers/typescript': ['proto', 'contract', 'drivers/driver.ts', 'drivers/guest', 'sdk'],
  coprocess: ['proto', 'contract', 'drivers/driver.ts'],
  sdk: ['proto', 'contract'],
  telemetry: ['proto', 'contract', 'gateway'],
};

/** These connect the rooms: they may import any room, but only by its door. */
const connectors = ['main.ts', 'version.ts', 'cli'];

/** Packages that only one place may import, so that replacing one means reading one place. */
const soleImporters: Record<string, string> = {
  'http2-proxy': 'gateway/upstream/',
  undici: 'gateway/upstream/',
  ioredis: 'gateway/store/',
  '@msgpack/msgpack': 'gateway/analytics/',
  yauzl: 'coprocess/bundles/',
  'isolated-vm': 'drivers/javascript/',
  wasmoon: 'drivers/lua/',
  esbuild: 'drivers/typescript/',
};

interface Import {
  readonly from: string;
  /** A file of ours as its path, or the name of a package. */
  readonly to: string;
  readonly isPackage: boolean;
  /** Gone once types are stripped. */
  readonly isTypeOnly: boolean;
}

const root = join(import.meta.dirname, '..');

async function importsOfAllRooms(): Promise<Import[]> {
  const patterns = ['{main,version}.ts', '{proto/gen,contract,gateway,coprocess,drivers,telemetry,sdk,cli}/**/*.ts'];
  const files = await Array.fromAsync(glob(patterns, { cwd: root }));
  const imports = await Promise.all(
    files.map(async (file) => importsIn(file, await readFile(join(root, file), 'utf8'))),
  );
  return imports.flat();
}

function importsIn(from: string, source: string): Import[] {
  const statements = source.matchAll(/^\s*(?:import|export)\s+(type\s)?([^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  const calls = source.matchAll(/\b(?:import|import\.meta\.resolve)\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...statements].map(([, type, names, to]) =>
      toImport(from, to as string, type !== undefined || onlyTypes(names)),
    ),
    // What is imported by a call runs later, or in another process, so it makes no cycle.
    ...[...calls].map(([, to]) => toImport(from, to as string, true)),
  ];
}

/** `{ type A, type B } from`: stripped as a whole under verbatimModuleSyntax, but for the side effect. */
function onlyTypes(names: string | undefined): boolean {
  const braces = /^\{(.*)\}\s+from\s+$/s.exec(names ?? '')?.[1];
  if (braces === undefined) return false;
  return braces.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
}

function toImport(from: string, to: string, isTypeOnly: boolean): Import {
  if (to.startsWith('#guest/')) return { from, to: to.replace('#guest/', 'drivers/'), isPackage: false, isTypeOnly };
  if (to.startsWith('.')) return { from, to: normalize(join(dirname(from), to)), isPackage: false, isTypeOnly };
  const name = to.split('/').slice(0, to.startsWith('@') ? 2 : 1);
  return { from, to: name.join('/'), isPackage: true, isTypeOnly };
}

function roomOf(file: string): string {
  const named = Object.keys(arrows).filter((room) => file === room || file.startsWith(`${room}/`));
  const longest = named.sort((a, b) => b.length - a.length)[0];
  return longest ?? (file.startsWith('drivers/') ? file.split('/', 2).join('/') : (file.split('/')[0] as string));
}

/** Why an arrow may not be, or undefined. */
function objectionTo({ from, to }: Import): string | undefined {
  const [source, target] = [roomOf(from), roomOf(to)];
  if (connectors.includes(source)) {
    // `contract` is pure and has no door: each of its files is one.
    const open = ['main.ts', 'version.ts', 'drivers/driver.ts', 'contract'];
    const isDoor = to.endsWith('/index.ts') || open.includes(to) || open.includes(target) || source === target;
    return isDoor ? undefined : `${from} -> ${to}: a room is entered by its index.ts`;
  }
  const allowed = arrows[source] ?? arrows[source.startsWith('drivers/') ? 'drivers/*' : source];
  if (allowed === undefined)
    return `${from}: the room "${source}" has no arrows yet: add it to test/architecture.test.ts`;
  if (source === target || allowed.includes(target)) return undefined;
  return `${from} -> ${to}: "${source}" may import ${allowed.join(', ') || 'no other room'}`;
}

/** A path of imports that ends where it began, or undefined. */
function findCycle(imports: readonly Import[]): string[] | undefined {
  const next = Map.groupBy(
    imports.filter(({ isPackage, isTypeOnly }) => !isPackage && !isTypeOnly),
    ({ from }) => from,
  );
  const finished = new Set<string>();
  const path: string[] = [];
  function visit(file: string): string[] | undefined {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    path.push(file);
    for (const { to } of next.get(file) ?? []) {
      const cycle = visit(to);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    finished.add(file);
    return undefined;
  }
  for (const file of next.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const architecture = suite('architecture');
const imports = await importsOfAllRooms();
const ours = imports.filter(({ isPackage }) => !isPackage);

architecture('no arrow between rooms turns back', () => {
  assert.equal(
    ours.map(objectionTo).filter((objection) => objection !== undefined),
    [],
  );
});

architecture('a package that we may have to replace has one importer', () => {
  const strangers = imports.filter(({ from, to, isPackage }) => {
    const home = soleImporters[to];
    return isPackage && home !== undefined && !from.startsWith(home);
  });
  assert.equal(
    strangers.map(({ from, to }) => `${from} -> ${to}: only ${soleImporters[to]} imports it`),
    [],
  );
});

architecture('no file imports itself by way of others', () => {
  assert.is(findCycle(imports)?.join(' -> '), undefined);
});

architecture('this test would notice', () => {
  const source = [
    "import { a, type A } from '../drivers/grpc/index.ts';",
    "import {\n  type B,\n  type C,\n} from './b.ts';",
    "export * from './c.ts';",
    "import 'undici';",
    "const d = import.meta.resolve('#guest/python/d');",
  ].join('\n');
  const found = importsIn('gateway/a.ts', source);
  assert.equal(
    found.map(({ to, isTypeOnly }) => `${to} ${isTypeOnly ? 'type' : 'value'}`),
    ['drivers/grpc/index.ts value', 'gateway/b.ts type', 'gateway/c.ts value', 'undici value', 'drivers/python/d type'],
  );
  assert.is(
    objectionTo(found[0] as Import),
    'gateway/a.ts -> drivers/grpc/index.ts: "gateway" may import proto, contract',
  );
  const back = { from: 'gateway/c.ts', to: 'gateway/a.ts', isPackage: false, isTypeOnly: false };
  assert.equal(findCycle([...found, back]), ['gateway/a.ts', 'gateway/c.ts', 'gateway/a.ts']);
});

architecture.run();
