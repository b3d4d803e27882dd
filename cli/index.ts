#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from '../version.ts';
import { bundleCommand } from './bundle.ts';
import { coprocessCommand } from './coprocess.ts';
import { exitCodes, fail } from './exit.ts';
import { gatewayCommand } from './gateway.ts';
import { migrateCommand } from './migrate.ts';
import { planCommand } from './plan.ts';
import { runCommand } from './run.ts';
import { validateCommand } from './validate.ts';

const oldestNode = 24;

const program = new Command('interpose')
  .description(
    'Run your own code in the path of an API request, in any language, without rebuilding or restarting the gateway.',
  )
  .version(version(), '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help, or that of a verb')
  .usage('VERB [options]')
  .configureHelp({ subcommandTerm: (verb) => verb.name(), showGlobalOptions: false })
  .showHelpAfterError('interpose --help tells more.')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  interpose run                                    by ./interpose.yaml, or by defaults where there is none
  interpose run --tyk-conf /opt/tyk-gateway/tyk.conf
  interpose validate --config interpose.yaml
  interpose coprocess --listen unix:/run/interpose.sock
  interpose gateway --coprocess unix:/run/interpose.sock

Exit codes: 0 it ended as it was asked to, 1 it failed while running, 2 the command line or the configuration is wrong.`,
  );

for (const verb of [
  runCommand(),
  gatewayCommand(),
  coprocessCommand(),
  validateCommand(),
  planCommand(),
  migrateCommand(),
  bundleCommand(),
]) {
  program.addCommand(verb.copyInheritedSettings(program));
  // These say themselves where a configuration belongs.
  if (verb.options.some(({ long }) => long === '--config')) verb.allowExcessArguments();
}

if (Number(process.versions.node.split('.', 1)[0]) < oldestNode) {
  fail(`interpose needs Node.js ${oldestNode} or newer, and this is ${process.versions.node}.`, exitCodes.usage);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) fail(error, exitCodes.runtime);
  // Commander has written its message. Help that was asked for is no error.
  process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
}
