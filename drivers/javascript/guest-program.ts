import { fileURLToPath } from 'node:url';

/** What Node is told about a guest: it may load the engine of the sandbox and its second thread, and neither write nor start anything. */
export function guestProgram(): string[] {
  const program = fileURLToPath(import.meta.resolve('#guest/javascript/guest'));
  const root = program.slice(0, program.lastIndexOf('/drivers/') + 1);
  const packages = fileURLToPath(new URL('.', import.meta.resolve('isolated-vm')));
  const modules = packages.slice(0, packages.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return [
    '--no-node-snapshot',
    '--no-warnings',
    '--permission',
    '--allow-addons',
    '--allow-worker',
    `--allow-fs-read=${root}`,
    `--allow-fs-read=${modules}`,
    // By this the engine's loader tells which of its builds fits.
    '--allow-fs-read=/etc/alpine-release',
    // Scripts have heaps of their own, whose size is limited; this one holds what passes through.
    '--max-old-space-size=256',
    program,
  ];
}
