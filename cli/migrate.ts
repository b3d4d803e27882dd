import { Command } from 'commander';
import { exitCodes, fail } from './exit.ts';

/** `interpose migrate` */
export function migrateCommand(): Command {
  return new Command('migrate')
    .summary('print a tyk.conf as a configuration of ours')
    .description(
      'Print a tyk.conf, with TYK_GW_... over it, as a YAML configuration of ours. Each key says where it came from; the head says what changes. Secrets become env:// references.',
    )
    .argument('<tyk.conf>', 'the file')
    .addHelpText(
      'after',
      `
Example:
  interpose migrate tyk.conf > interpose.yaml
  interpose validate --config interpose.yaml`,
    )
    .action(async (file: string) => {
      const { ConfigurationError, migrateTykConf } = await import('../gateway/configuration/index.ts');
      try {
        process.stdout.write(migrateTykConf(file, process.env));
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        fail(`the tyk.conf cannot be read.\n${error.message}`, exitCodes.usage);
      }
    });
}
