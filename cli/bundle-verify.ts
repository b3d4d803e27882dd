import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { exitCodes, fail } from './exit.ts';

/** `interpose bundle verify` */
export function bundleVerifyCommand(): Command {
  return new Command('verify')
    .summary('tell whether, and why, a bundle is trusted')
    .description('Check a bundle as a coprocess does that fetches it, and tell why it would be trusted or refused.')
    .argument('<bundle>', 'the archive')
    .option('-k, --public-key <file>', 'PEM file with the RSA or Ed25519 keys, one of which must have signed it')
    .action(async (bundle: string, { publicKey }: { publicKey?: string }) => {
      const { BundleError, checkBundle } = await import('../coprocess/bundles/index.ts');
      try {
        const pem = publicKey === undefined ? undefined : await readFile(publicKey, 'utf8');
        const { trust } = await checkBundle(bundle, pem);
        if (trust.kind === 'unsigned') {
          console.log(`${bundle}: its checksum is right; give --public-key to check who made it.`);
        } else if (trust.kind === 'files') {
          console.log(
            `${bundle}: signed by a given key. The signature covers its listed files only: hooks, driver and other files can be changed without it.`,
          );
        } else {
          const { name, release, files } = trust.signature;
          console.log(
            `${bundle}: all of it is signed by a given key: "${name}", release ${release}, ${files.length} files.`,
          );
        }
      } catch (error) {
        if (!(error instanceof BundleError)) fail(error, exitCodes.runtime);
        fail(`${bundle} is refused: ${error.message}`, exitCodes.usage);
      }
    });
}
