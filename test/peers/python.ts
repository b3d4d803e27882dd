import { join } from 'node:path';
import { built } from './built.ts';
import { run } from './command.ts';

export const pythonCure = 'install Python 3.9 or newer with its venv module (Debian: python3, python3-venv)';
const requirements = join(import.meta.dirname, 'python/requirements.txt');

/**
 * The folder of a virtual environment with `test/peers/python/requirements.txt`: grpcio, protobuf, PyYAML, valkey.
 * @throws {MissingTool} without Python 3.
 */
export function pythonEnvironment(): Promise<string> {
  return built({
    name: 'python',
    inputs: [requirements],
    limitMs: 300_000,
    async build(folder) {
      await run({ program: 'python3', args: ['-m', 'venv', folder], cure: pythonCure });
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements];
      await run({ program: join(folder, 'bin/python'), args: install, cure: pythonCure });
    },
  });
}

/** The interpreter of {@link pythonEnvironment}. */
export async function python(): Promise<string> {
  return join(await pythonEnvironment(), 'bin/python');
}
