import { Command } from 'commander';
import { type ConfigurationOptions, configurationOf, withConfigurationOptions } from './configuration.ts';
import { serve } from './serve.ts';

/** `interpose run` */
export function runCommand(): Command {
  return withConfigurationOptions(new Command('run'))
    .summary('gateway and coprocess in one process')
    .description('Serve APIs and run their plugins in one process: the simplest way, and enough for many.')
    .addHelpText(
      'after',
      `
Examples:
  interpose run
  interpose run --config /etc/interpose/interpose.yaml
  interpose run --tyk-conf /opt/tyk-gateway/tyk.conf
  INTERPOSE_LISTENERS_0_ADDRESS=:8080 INTERPOSE_LOG_LEVEL=debug interpose run

SIGTERM or SIGINT lets requests in flight end (limits.drainTimeoutMs); a second one ends the process at once.`,
    )
    .action(async (options: ConfigurationOptions) => {
      const configuration = await configurationOf(options);
      await serve((main) => main.run(configuration), configuration);
    });
}
