import { Command } from 'commander';
import { type ConfigurationOptions, configurationOf, withConfigurationOptions } from './configuration.ts';
import { serve } from './serve.ts';

interface CoprocessOptions extends ConfigurationOptions {
  readonly listen?: string;
}

/** `interpose coprocess` */
export function coprocessCommand(): Command {
  return withConfigurationOptions(new Command('coprocess'))
    .summary('the coprocess alone, for gateways elsewhere')
    .description(
      'Run plugins for gateways. It serves our gateways, and anything else that speaks coprocess.Dispatcher, as a real Tyk gateway does.',
    )
    .option('--listen <address>', 'unix:PATH or host:port (instead of coprocess.listen)')
    .addHelpText(
      'after',
      `
Examples:
  interpose coprocess --listen unix:/run/interpose.sock
  interpose coprocess --config interpose.yaml --listen 0.0.0.0:9111`,
    )
    .action(async (options: CoprocessOptions) => {
      const { listen } = options;
      const override = { path: ['coprocess', 'listen'], value: listen, source: 'option --listen' };
      const configuration = await configurationOf(options, listen === undefined ? [] : [override]);
      await serve((main) => main.runCoprocess(configuration), configuration);
    });
}
