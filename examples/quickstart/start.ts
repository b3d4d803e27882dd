import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../gateway/configuration/index.ts';
import { run } from '../../main.ts';
import { startEcho } from './echo.ts';

/**
 * `npm start`: an upstream that echoes, and before it the gateway of `interpose.yaml`. Where a port is taken another one is used,
 * by the environment variables that anybody can set.
 */
const usualUpstream = 'http://127.0.0.1:8082/';
const upstream = await startEcho(8082);
const scratch = await mkdtemp(join(tmpdir(), 'quickstart-'));

const running = await run(
  loadConfiguration(join(import.meta.dirname, 'interpose.yaml'), {
    INTERPOSE_LISTENERS_0_ADDRESS: `127.0.0.1:${await freePort(8080)}`,
    INTERPOSE_CONTROL_ADDRESS: `127.0.0.1:${await freePort(8081)}`,
    INTERPOSE_DEFINITIONS_FOLDER: await definitionsFor(upstream.url),
    ...process.env,
  }),
);
const url = `http://${running.addresses[0]}`;

console.log(`
Interpose is running. Ctrl-C ends it.

  gateway   ${url}
  upstream  ${upstream.url}  answers with the request that it got
  plugin    examples/quickstart/plugins/stamp.ts

Try

  curl ${url}/httpbin/get

The answer shows the header that the plugin has set on the way: "Foo": "Bar"
`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());

async function end(): Promise<void> {
  await running.close();
  upstream.close();
  await rm(scratch, { recursive: true });
}

/** The folder `apis`; where the upstream has another port than usual, a copy that names it. */
async function definitionsFor(upstreamUrl: string): Promise<string> {
  const folder = join(import.meta.dirname, 'apis');
  if (upstreamUrl === usualUpstream) return folder;
  const definition = await readFile(join(folder, 'quickstart.json'), 'utf8');
  await writeFile(join(scratch, 'quickstart.json'), definition.replace(usualUpstream, upstreamUrl));
  return scratch;
}

/** The port, or a free one if it is taken. */
async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const probe = createServer();
    const found = await new Promise<number | undefined>((resolve) => {
      probe.once('error', () => resolve(undefined));
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as { port: number }).port));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (found !== undefined) return found;
  }
  throw new Error('no port is free on 127.0.0.1');
}
