import { Command } from 'commander';
import { bundleBuildCommand } from './bundle-build.ts';
import { bundleInspectCommand } from './bundle-inspect.ts';
import { bundleServeCommand } from './bundle-serve.ts';
import { bundleVerifyCommand } from './bundle-verify.ts';

/** `interpose bundle` */
export function bundleCommand(): Command {
  const bundle = new Command('bundle')
    .summary('build, check and serve plugin bundles')
    .description('Plugin bundles: a manifest and files in one archive, which APIs name and coprocesses fetch.');
  for (const verb of [bundleBuildCommand(), bundleVerifyCommand(), bundleInspectCommand(), bundleServeCommand()]) {
    bundle.addCommand(verb.copyInheritedSettings(bundle));
  }
  return bundle;
}
