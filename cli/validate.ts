import { Command } from 'commander';
import { type ConfigurationOptions, configurationOf, withConfigurationOptions } from './configuration.ts';

/** `interpose validate` */
export function validateCommand(): Command {
  return withConfigurationOptions(new Command('validate'))
    .summary('check configuration and definitions, and start nothing')
    .description('Check the configuration and every API definition, and start nothing. Plugins are not loaded.')
    .addHelpText(
      'after',
      `
Examples:
  interpose validate
  interpose validate --tyk-conf tyk.conf

It ends with 0 when all is well, and with 2 when something would be refused.`,
    )
    .action(async (options: ConfigurationOptions) => {
      const configuration = await configurationOf(options);
      for (const warning of configuration.warnings) process.stdout.write(`warning: ${warning}\n`);
      process.stdout.write(`${configuration.source}: the configuration is right.\n`);
    });
}
