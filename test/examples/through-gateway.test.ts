import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Echo, startEcho } from '../../examples/quickstart/echo.ts';
import { resolveConfiguration } from '../../gateway/configuration/index.ts';
import { run } from '../../main.ts';
import * as peers from '../peers/index.ts';

const languages = {
  go: () => peers.go('examples/go'),
  python: () => peers.pythonServer('examples/python'),
  java: () => peers.java('examples/java'),
};

/** The API definition of the example, with our upstream as its target, in a folder of its own. */
async function writeDefinition(folder: string, language: string, upstream: Echo): Promise<void> {
  const file = join(import.meta.dirname, `../../examples/${language}/apis/${language}.json`);
  const definition = await readFile(file, 'utf8');
  await writeFile(join(folder, 'api.json'), definition.replace('http://127.0.0.1:8082/', upstream.url));
}

/** A gateway with the example's API, its plugin server, and an upstream that echoes. `url` ends before the listen path. */
async function withExample(language: keyof typeof languages, use: (url: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  const [server, upstream] = await Promise.all([languages[language](), startEcho(0)]);
  try {
    await writeDefinition(folder, language, upstream);
    const running = await run(
      resolveConfiguration({
        listeners: [{ address: '127.0.0.1:0' }],
        control: { enabled: false },
        definitions: { folder },
        log: { level: 'fatal' },
        servers: { default: { target: `tcp://${server.address}` } },
      }),
    );
    try {
      await use(`http://${running.addresses[0]}/${language}`);
    } finally {
      await running.close();
    }
  } finally {
    upstream.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
}

/** What the upstream got, as it tells it: path and headers (which it writes as `X-Stamp`). */
async function echoed(response: Response): Promise<{ path: string; headers: Headers }> {
  const { path, headers } = (await response.json()) as { path: string; headers: Record<string, string> };
  return { path, headers: new Headers(headers) };
}

for (const language of Object.keys(languages) as (keyof typeof languages)[]) {
  const example = suite(`example in ${language}, through the gateway`);

  example('every hook leaves its mark on a request with a good key', async () => {
    await withExample(language, async (url) => {
      const response = await fetch(`${url}/old/orders?card=4111111111111111`, {
        headers: { authorization: 'Bearer gold-key' },
      });
      assert.is(response.status, 200);
      const { path, headers } = await echoed(response);
      assert.is(headers.get('x-stamp'), language);
      assert.is(headers.get('x-plan'), 'gold');
      assert.not(headers.has('authorization'));
      assert.is(path, `/new/orders?card=************1111&via=${language}`);
      assert.is(response.headers.get('x-masked'), '1');
    });
  });

  example('a trace that the client began reaches the plugin', async () => {
    await withExample(language, async (url) => {
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
      const response = await fetch(`${url}/x`, { headers: { authorization: 'gold-key', traceparent } });
      const { headers } = await echoed(response);
      assert.match(headers.get('x-seen-traceparent') ?? '', traceId);
    });
  });

  example('a request without a good key is refused, and limits of a key are kept', async () => {
    await withExample(language, async (url) => {
      const refused = await fetch(`${url}/x`, { headers: { authorization: 'stolen-key' } });
      assert.is(refused.status, 401);
      assert.equal(await refused.json(), { error: 'Unknown key' });

      const statuses = [];
      for (let i = 0; i < 2; i++) {
        const response = await fetch(`${url}/x`, { headers: { authorization: 'trial-key' } });
        await response.body?.cancel();
        statuses.push(response.status);
      }
      assert.equal(statuses, [200, 429]);
    });
  });

  example.run();
}
