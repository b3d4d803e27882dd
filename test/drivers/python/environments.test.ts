import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveConfiguration, type UserConfiguration } from '../../../gateway/configuration/index.ts';
import { runCoprocess, runGateway } from '../../../main.ts';
import { type GatewayTest, withGateway } from '../../gateway/with-gateway.ts';
import { python } from '../../peers/index.ts';

const environments = suite('python environments, from definition to interpreter');

const plugins = {
  'where.py': `
import sys
from tyk.decorators import *
@Hook
async def where(request, session, spec):
    overrides = request.object.return_overrides
    overrides.response_code, overrides.response_body, overrides.override_error = 200, sys.prefix, True
    return request, session
`,
};

const api = (environment?: string): Record<string, unknown> => ({
  custom_middleware: {
    driver: 'python',
    pre: [{ name: 'where', path: 'where.py', ...(environment && { interpose: { environment } }) }],
  },
  proxy: { target_url: 'http://127.0.0.1:1' },
});

const apis = { ml: api('ml'), plain: api(), unknown: api('/bin/sh') };

/** Gateway and coprocess as two services; only the coprocess knows the environments. */
const asTwoServices =
  (ofCoprocess: UserConfiguration): NonNullable<GatewayTest['start']> =>
  async (configuration) => {
    const listen = `unix:${join(configuration.definitions.folder, '..', 'coprocess.sock')}`;
    const { folders } = configuration.plugins;
    const coprocess = await runCoprocess(
      resolveConfiguration({
        ...ofCoprocess,
        coprocess: { listen },
        plugins: { folder: folders[0] as string },
        log: { level: 'fatal' },
      }),
    );
    const gateway = await runGateway({
      ...configuration,
      coprocess: { ...configuration.coprocess, targets: [listen] },
    });
    return {
      addresses: gateway.addresses,
      controlAddress: gateway.controlAddress,
      async close() {
        await gateway.close();
        await coprocess.close();
      },
    };
  };

async function check(test: GatewayTest, venv: string, refusal: RegExp): Promise<void> {
  await withGateway(test, async ({ url, control }) => {
    const [ml, plain] = await Promise.all(['ml', 'plain'].map(async (id) => (await fetch(`${url}/${id}/`)).text()));
    assert.is(ml, venv);
    assert.is.not(plain, venv);
    assert.is((await fetch(`${url}/unknown/`)).status, 503);
    const { details } = (await (await fetch(`${control}/health`)).json()) as {
      details: Record<string, { output: string }>;
    };
    assert.equal(Object.keys(details), ['unknown']);
    assert.match(details.unknown?.output ?? '', refusal);
  });
}

environments('a definition picks one by name, and is refused with place and cure for any other', async () => {
  const venv = dirname(dirname(await python()));
  const configuration = { python: { environments: { ml: { venv } } } };
  await check(
    { apis, plugins, configuration },
    venv,
    /unknown\.json.*custom_middleware\.pre\[0\]\.interpose\.environment.*"\/bin\/sh".*python\.environments.* ml/s,
  );
});

environments('of two services the coprocess has them', async () => {
  const venv = dirname(dirname(await python()));
  const start = asTwoServices({ python: { environments: { ml: { venv } } } });
  await check({ apis, plugins, start }, venv, /unknown\.json.*"\/bin\/sh"; configured are ml: add it/s);
});

environments.run();
