import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCoprocess, runGateway } from '../../main.ts';
import type { BundleSpec } from '../conformance/peers/bundle.ts';
import { withStore } from '../coprocess/bundles/with-store.ts';
import { definition, type GatewayTest, type TestGateway, withGateway, withUpstream } from './with-gateway.ts';

/** What a reload call is for: whatever was changed before it holds for the first request after it. */
const swap = suite('swapping what an API runs');

interface Language {
  readonly driver: string;
  readonly file: string;
  readonly text: (stamp: string) => string;
}

const languages: readonly Language[] = [
  {
    driver: 'typescript',
    file: 'stamp.ts',
    text: (stamp) =>
      `import { pre } from 'interpose/plugin';\nexport const stamp = pre((r) => { r.headers.set('x-stamp', '${stamp}'); });\n`,
  },
  {
    driver: 'otto',
    file: 'stamp.js',
    text: (stamp) =>
      `var stamp = new TykJS.TykMiddleware.NewMiddleware({});\nstamp.NewProcessRequest(function (request, session) { request.SetHeaders['X-Stamp'] = '${stamp}'; return stamp.ReturnData(request, {}); });\n`,
  },
  {
    driver: 'python',
    file: 'stamp.py',
    text: (stamp) =>
      `from tyk.decorators import Hook\n\n\n@Hook\ndef stamp(request, session, spec):\n    request.add_header('X-Stamp', '${stamp}')\n    return request, session\n`,
  },
  {
    driver: 'lua',
    file: 'stamp.lua',
    text: (stamp) =>
      `function stamp(request, session, spec)\n  tyk.req.set_header('X-Stamp', '${stamp}')\n  return request, session\nend\n`,
  },
];

/** Gateway and coprocess as two services. */
const twoServices: GatewayTest['start'] = async (configuration) => {
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const coprocess = await runCoprocess({ ...configuration, coprocess: { ...configuration.coprocess, listen } });
  const targets = [...coprocess.addresses];
  const gateway = await runGateway({ ...configuration, coprocess: { ...configuration.coprocess, targets } });
  return {
    ...gateway,
    close: async () => {
      await gateway.close();
      await coprocess.close();
    },
  };
};

async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

async function reload({ control }: TestGateway): Promise<void> {
  const response = await fetch(`${control}/tyk/reload?block=true`, {
    headers: { 'X-Tyk-Authorization': 'a secret of the tests' },
  });
  assert.is(response.status, 200, await response.text());
}

async function stampOf({ url }: TestGateway): Promise<unknown> {
  const response = await fetch(`${url}/api/x`);
  assert.is(response.status, 200);
  const { headers } = (await response.json()) as { headers: Record<string, string> };
  return headers['x-stamp'];
}

for (const [how, start] of [
  ['in one process', undefined],
  ['over two services', twoServices],
] as const) {
  for (const { driver, file, text } of languages) {
    swap(`${driver}: a changed plugin file holds for the first request after the reload, ${how}`, async () => {
      await withUpstream(async ({ url }) => {
        const test: GatewayTest = {
          apis: {
            api: { proxy: { target_url: url }, custom_middleware: { driver, pre: [{ name: 'stamp', path: file }] } },
          },
          plugins: { [file]: text('first') },
          configuration: { definitions: { watch: false } },
          ...(start && { start }),
        };
        await withGateway(test, async (gateway) => {
          assert.is(await stampOf(gateway), 'first');
          for (const stamp of ['second', 'third']) {
            await put(join(gateway.folder, 'plugins', file), text(stamp));
            await reload(gateway);
            assert.is(await stampOf(gateway), stamp);
          }
        });
      });
    });
  }

  swap(`another driver holds for the first request after the reload, ${how}`, async () => {
    await withUpstream(async ({ url }) => {
      const api = ({ driver, file }: Language): Record<string, unknown> => ({
        proxy: { target_url: url },
        custom_middleware: { driver, pre: [{ name: 'stamp', path: file }] },
      });
      const test: GatewayTest = {
        apis: { api: api(languages[0] as Language) },
        plugins: Object.fromEntries(languages.map(({ driver, file, text }) => [file, text(driver)])),
        configuration: { definitions: { watch: false } },
        ...(start && { start }),
      };
      await withGateway(test, async (gateway) => {
        for (const language of [...languages, ...languages]) {
          await put(join(gateway.folder, 'apis', 'api.json'), JSON.stringify(definition('api', api(language))));
          await reload(gateway);
          assert.is(await stampOf(gateway), language.driver);
        }
      });
    });
  });

  swap(`another bundle holds for the first request after the reload, ${how}`, async () => {
    const bundles = Object.fromEntries(
      languages.map(({ driver, file, text }): [string, BundleSpec] => [
        `${driver}.zip`,
        {
          manifest: { file_list: [file], custom_middleware: { driver, pre: [{ name: 'stamp', path: file }] } },
          files: { [file]: text(driver) },
        },
      ]),
    );
    await withStore({ bundles }, (server) =>
      withUpstream(async ({ url }) => {
        const api = (bundle: string) => ({ proxy: { target_url: url }, custom_middleware_bundle: bundle });
        const test: GatewayTest = {
          apis: { api: api('typescript.zip') },
          configuration: {
            definitions: { watch: false },
            bundles: { baseUrl: server.baseUrl, folder: server.folder },
          },
          ...(start && { start }),
        };
        await withGateway(test, async (gateway) => {
          for (const { driver } of [...languages, ...languages]) {
            await put(
              join(gateway.folder, 'apis', 'api.json'),
              JSON.stringify(definition('api', api(`${driver}.zip`))),
            );
            await reload(gateway);
            assert.is(await stampOf(gateway), driver);
          }
        });
      }),
    );
  });
}

swap.run();
