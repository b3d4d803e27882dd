import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Configuration, Override } from '../gateway/configuration/index.ts';
import { exitCodes, fail } from './exit.ts';

/** Where the configuration comes from. */
export interface ConfigurationOptions {
  readonly config?: string;
  readonly tykConf?: string;
}

const usualFiles = ['interpose.yaml', 'interpose.yml', 'interpose.json'];

/** Adds `--config` and `--tyk-conf`, of which one holds: one on the command line before one in the environment. */
export function withConfigurationOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-c, --config <file>', `configuration, YAML or JSON (default: ./${usualFiles[0]}, if it exists)`).env(
        'INTERPOSE_CONFIG',
      ),
    )
    .addOption(
      new Option('-t, --tyk-conf <file>', 'a tyk.conf instead, with TYK_GW_... over it').env('INTERPOSE_TYK_CONF'),
    )
    .hook('preAction', (_, verb) => {
      const extra = verb.args[verb.registeredArguments.length];
      if (extra !== undefined) {
        verb.error(`error: "${extra}" has no place here; a configuration is given with --config FILE`);
      }
      const source = { config: verb.getOptionValueSource('config'), tykConf: verb.getOptionValueSource('tykConf') };
      if (source.config === undefined || source.tykConf === undefined) return;
      if (source.config === source.tykConf) verb.error('error: give one of --config and --tyk-conf');
      verb.setOptionValue(source.config === 'env' ? 'config' : 'tykConf', undefined);
    });
}

/** The configuration of this process. One that is wrong ends it, with every problem named. */
export async function configurationOf(
  { config, tykConf }: ConfigurationOptions,
  overrides: readonly Override[] = [],
): Promise<Configuration> {
  // Loaded here, so that `--help` does not wait for it.
  const { ConfigurationError, loadConfiguration, loadTykConf, resolveConfiguration } = await import(
    '../gateway/configuration/index.ts'
  );
  try {
    if (tykConf !== undefined) return loadTykConf(tykConf, process.env, overrides);
    const file = config ?? usualFiles.find((name) => existsSync(name));
    if (file !== undefined) return loadConfiguration(file, process.env, overrides);
    return resolveConfiguration({}, { environment: process.env, overrides, source: 'defaults' });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const count = error.problems.length === 1 ? 'a problem' : `${error.problems.length} problems`;
    return fail(`the configuration has ${count}; nothing was started.\n${error.message}`, exitCodes.usage);
  }
}
