import { Command } from 'commander';
import { type ConfigurationOptions, configurationOf, withConfigurationOptions } from './configuration.ts';
import { exitCodes, fail } from './exit.ts';
import { serve } from './serve.ts';

interface GatewayOptions extends ConfigurationOptions {
  readonly coprocess?: string[];
}

/** `interpose gateway` */
export function gatewayCommand(): Command {
  return withConfigurationOptions(new Command('gateway'))
    .summary('the gateway alone; plugins run in coprocesses')
    .description(
      'Serve APIs. Their plugins run in one or several coprocesses, processes of their own, started with `interpose coprocess`.',
    )
    .option('--coprocess <address...>', 'where they listen, unix:PATH or host:port (instead of coprocess.targets)')
    .addHelpText(
      'after',
      `
Examples:
  interpose gateway --coprocess unix:/run/interpose.sock
  interpose gateway --config interpose.yaml --coprocess 10.0.0.5:9111 10.0.0.6:9111`,
    )
    .action(async (options: GatewayOptions) => {
      const { coprocess: targets } = options;
      const override = { path: ['coprocess', 'targets'], value: targets, source: 'option --coprocess' };
      const configuration = await configurationOf(options, targets === undefined ? [] : [override]);
      if (configuration.coprocess.targets.length === 0) {
        const cure =
          'Name one with --coprocess or in coprocess.targets, or use "interpose run", which has both in one process.';
        fail(`the gateway needs a coprocess.\n    ${cure}`, exitCodes.usage);
      }
      await serve((main) => main.runGateway(configuration), configuration);
    });
}
