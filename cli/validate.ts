import { Command } from 'commander';
import type { Configuration } from '../gateway/configuration/index.ts';
import type { Api } from '../gateway/definitions/index.ts';
import { type ConfigurationOptions, configurationOf, withConfigurationOptions } from './configuration.ts';
import { exitCodes } from './exit.ts';

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
      const { apis, problems, warnings } = await checkDefinitions(configuration);
      for (const warning of [...configuration.warnings, ...warnings]) console.log(`warning: ${warning}`);
      for (const problem of problems) console.error(problem);
      const all = problems.length === 0 ? 'all is well' : counted(problems.length, 'problem');
      console.log(`${configuration.source}: ${counted(apis, 'API')} in ${configuration.definitions.folder}; ${all}.`);
      process.exitCode = problems.length === 0 ? exitCodes.ok : exitCodes.usage;
    });
}

interface Findings {
  /** APIs that would be served. */
  readonly apis: number;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

async function checkDefinitions(configuration: Configuration): Promise<Findings> {
  const { featureNames, loadDefinitions, refusalLines } = await import('../gateway/definitions/index.ts');
  const { definitionOptions } = await import('../gateway/configuration/index.ts');
  const { folder, ignoreFeatures } = configuration.definitions;
  const strange = ignoreFeatures.filter((name) => !featureNames.includes(name));
  const unknown = strange.map(
    (name) => `definitions.ignoreFeatures: there is no feature "${name}"; known are ${featureNames.join(', ')}`,
  );
  try {
    const { apis, refusals, warnings, unknownKeys } = await loadDefinitions(folder, definitionOptions(configuration));
    const keys = unknownKeys.map((key) => `${key}: an unknown key, which is ignored`);
    const problems = [
      ...unknown,
      ...refusals.flatMap(refusalLines),
      ...apis.flatMap((api) => missingServers(api, configuration)),
    ];
    return { apis: apis.length, problems, warnings: [...warnings, ...keys] };
  } catch (error) {
    return { apis: 0, problems: [...unknown, (error as Error).message], warnings: [] };
  }
}

/** Hooks of the driver `grpc` whose plugin server is not in the configuration. */
function missingServers({ source, plugins }: Api, { servers }: Configuration): string[] {
  const hooks = [...plugins.hooks, ...plugins.endpointHooks].filter(({ driver }) => driver === 'grpc');
  const missing = hooks.filter(({ server = 'default' }) => servers[server] === undefined);
  return missing.map(
    ({ name, server = 'default' }) =>
      `${source}: hook "${name}" needs the plugin server "${server}"; add it to servers of the configuration`,
  );
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
