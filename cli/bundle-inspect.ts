import { Command } from 'commander';
import { exitCodes, fail } from './exit.ts';

/** `interpose bundle inspect` */
export function bundleInspectCommand(): Command {
  return new Command('inspect')
    .summary('show what a bundle holds')
    .description('Show the manifest and the files of a bundle. Signatures are not checked: see verify.')
    .argument('<bundle>', 'the archive')
    .action(async (bundle: string) => {
      const { BundleError, inspectBundle } = await import('../coprocess/bundles/index.ts');
      try {
        const { manifest, files } = await inspectBundle(bundle);
        console.log(JSON.stringify(manifest.json, undefined, 2));
        for (const { path, bytes } of files) {
          const listed = manifest.fileList.includes(path) || path === 'manifest.json' ? '' : '  (not in file_list)';
          console.log(`${String(bytes).padStart(10)}  ${path}${listed}`);
        }
      } catch (error) {
        if (!(error instanceof BundleError)) fail(error, exitCodes.runtime);
        fail(`${bundle} is refused: ${error.message}`, exitCodes.usage);
      }
    });
}
