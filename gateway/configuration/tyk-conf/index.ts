import type { Configuration } from '../configuration.ts';
import type { Environment } from '../environment.ts';
import { type Override, resolveTree } from '../load.ts';
import { ConfigurationError, type Problem } from '../problem.ts';
import type { UserConfiguration } from '../schema/index.ts';
import type { Locate } from '../secrets.ts';
import { readTykConf } from './read.ts';
import { translate } from './translate.ts';

/**
 * Run by a tyk.conf: the file, `TYK_GW_...` over it, and `INTERPOSE_...` over what comes of both. Features that we lack are refused by
 * name.
 * @throws {ConfigurationError} with every problem.
 */
export function loadTykConf(
  file: string,
  environment: Environment,
  overrides: readonly Override[] = [],
): Configuration {
  const read = readTykConf(file, environment);
  const { tree, warnings, adjust } = translate(read.conf, file, environment);
  const locate: Locate = (path) => {
    const origin = tree.originOf(path);
    return origin === undefined ? { source: file } : { path: origin.join('.'), ...read.locate(origin) };
  };
  const problems: Problem[] = [...read.problems];
  let configuration: Configuration | undefined;
  try {
    configuration = resolveTree(tree.tree as UserConfiguration, { environment, overrides, source: file, locate });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    problems.push(...error.problems);
  }
  if (configuration === undefined || problems.length > 0) throw new ConfigurationError(problems);
  return adjust({ ...configuration, warnings: [...read.warnings, ...warnings, ...configuration.warnings] });
}
