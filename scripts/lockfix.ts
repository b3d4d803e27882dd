import { readFile, writeFile } from 'node:fs/promises';

/**
 * Makes `package-lock.json` fit for `npm ci` on any machine. Run it after every `npm install` that changed the lock:
 * `npm run lockfix`.
 *
 * Tools with native parts (biome, buf, oxlint, ...) list one optional package per platform. npm leaves those out of the lock
 * that the registry at hand does not hold, and `npm ci` then refuses the lock as out of step with package.json (npm/cli#9846).
 * An entry with version and platform is enough to satisfy it; a machine of that platform fetches the package itself.
 * Host names (`resolved`, `funding`) are taken out, so that the lock is the same whatever registry wrote it.
 */

interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  resolved?: string;
  funding?: unknown;
  optionalDependencies?: Record<string, string>;
}

const systems = new Set([
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]);

/** Processor names as packages spell them, to npm's. */
const processors: Record<string, string> = {
  aarch64: 'arm64',
  arm: 'arm',
  arm64: 'arm64',
  armv7: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
};

const file = new URL('../package-lock.json', import.meta.url);
const lock: { packages: Record<string, LockEntry> } = JSON.parse(await readFile(file, 'utf8'));

const added: string[] = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  delete entry.funding;
  if (path === '') continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (find(path, name)) continue;
    const { os, cpu, libc } = platformOf(name);
    const dev = entry.dev ? { dev: true } : {};
    lock.packages[`node_modules/${name}`] = { version, cpu, ...dev, ...(libc ? { libc } : {}), optional: true, os };
    added.push(`${name}@${version}`);
  }
}

const inOrder = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(inOrder);
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'nothing was missing' : `added ${added.length}:\n  ${added.join('\n  ')}`);

/** Whether the lock has an entry that the package at `path` would find under `name`, looking where Node looks. */
function find(path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[`${at}${at === '' ? '' : '/'}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

/** What `@oxlint/binding-linux-arm64-musl` says of itself in its name: `{ os: ['linux'], cpu: ['arm64'], libc: ['musl'] }`. */
function platformOf(name: string): { os: string[]; cpu: string[]; libc?: string[] } {
  const words = name.slice(name.lastIndexOf('/') + 1).split('-');
  const os = words.find((word) => systems.has(word));
  const cpu = words.map((word) => processors[word]).find((word) => word !== undefined);
  if (os === undefined || cpu === undefined) {
    throw new Error(`no platform can be read from the name ${name}: add its system or processor to scripts/lockfix.ts`);
  }
  if (words.some((word) => word.startsWith('musl'))) return { os: [os], cpu: [cpu], libc: ['musl'] };
  if (words.some((word) => word.startsWith('gnu'))) return { os: [os], cpu: [cpu], libc: ['glibc'] };
  return { os: [os], cpu: [cpu] };
}
