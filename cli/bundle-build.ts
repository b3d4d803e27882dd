import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { exitCodes, fail } from './exit.ts';

interface BuildWords {
  readonly manifest: string;
  readonly output: string;
  readonly key?: string;
  readonly skipSigning?: boolean;
  readonly name?: string;
  readonly release: string;
}

const usualOutput = 'bundle.zip';
/** From here on a line per file shows that it goes on. */
const largeFileBytes = 1024 * 1024;

/** `interpose bundle build` */
export function bundleBuildCommand(): Command {
  return new Command('build')
    .summary('build a bundle')
    .description(
      'Build a bundle out of a manifest and the files that it lists, which are looked up in this folder. The same input gives the same bytes.',
    )
    .option('-m, --manifest <file>', 'the manifest', 'manifest.json')
    .option('-o, --output <file>', 'the bundle', usualOutput)
    .option('-k, --key <file>', 'RSA or Ed25519 private key, PEM, to sign it with')
    .option('-y, --skip-signing', 'do not ask when there is no key')
    .option('--name <name>', 'name that the signature gives it (default: that of the output, without ending)')
    .option('--release <number>', 'grows with each release: older ones are refused after a newer one', '1')
    .addHelpText(
      'after',
      `
Examples:
  interpose bundle build -y
  interpose bundle build -m manifest.json -k private.pem -o orders-7.zip --name orders --release 7`,
    )
    .action(build);
}

async function build(words: BuildWords): Promise<void> {
  const { buildBundle, BundleError } = await import('../coprocess/bundles/index.ts');
  const { manifest, output, key, skipSigning = false } = words;
  const release = Number(words.release);
  if (!Number.isSafeInteger(release) || release < 0) {
    fail(`--release takes a whole number, got "${words.release}"`, exitCodes.usage);
  }
  console.log(`Building bundle using '${manifest}'`);
  if (output === usualOutput) console.log(`Using default bundle path '${usualOutput}'`);
  if (key === undefined) {
    if (!skipSigning && !(await unsignedIsMeant()))
      fail('Aborting: give --key, or -y for an unsigned bundle', exitCodes.runtime);
    console.log('The bundle will be unsigned');
  } else console.log(`Signing bundle with key '${key}'`);
  try {
    const bytes = await buildBundle({
      folder: process.cwd(),
      manifestFile: manifest,
      output,
      key: key === undefined ? undefined : await readFile(key, 'utf8'),
      name: words.name ?? basename(output).replace(/\.[^.]*$/, ''),
      release,
      onFile: (path, size) => {
        if (size >= largeFileBytes) console.log(`Packing '${path}' (${size} bytes)`);
      },
    });
    console.log(`Wrote '${output}' (${bytes} bytes)`);
  } catch (error) {
    fail(error, error instanceof BundleError ? exitCodes.usage : exitCodes.runtime);
  }
}

/** Whoever builds without a key is asked, as in the original: the first letter counts. */
async function unsignedIsMeant(): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question('Do you want to create an unsigned bundle? (y/n) '), ended]);
    return answer.startsWith('y');
  } finally {
    lines.close();
  }
}
