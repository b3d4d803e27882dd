import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withGateway, withUpstream } from './with-gateway.ts';

const environment = suite('environment of plugins');

const plugins = {
  'login.py': `
import os
from tyk.decorators import *
LOGIN = os.environ.get("LOGIN_URL", "none")
@Hook
def look(request, session, spec):
    request.add_header("X-Login", LOGIN)
    request.add_header("X-Secret", os.getenv("GATEWAY_ONLY", "none"))
    return request, session
`,
  'login.ts': `
import { pre } from 'interpose/plugin';
export const look = pre((request) => {
  request.headers.set('X-Login', process.env.LOGIN_URL ?? 'none');
  request.headers.set('X-Secret', process.env.GATEWAY_ONLY ?? 'none');
});
`,
  'login.lua': `
function look(request, session, spec)
  tyk.req.set_header("X-Login", os.getenv("LOGIN_URL") or "none")
  tyk.req.set_header("X-Secret", os.getenv("GATEWAY_ONLY") or "none")
  return request, session
end
`,
};

environment('plugins find the variables that the configuration gives them, and none of the gateway’s', async () => {
  process.env.GATEWAY_ONLY = 'secret';
  await withUpstream(async (upstream) => {
    const hooks = (driver: string, path: string) => ({
      custom_middleware: { driver, pre: [{ name: 'look', path }] },
      proxy: { target_url: upstream.url },
    });
    await withGateway(
      {
        apis: {
          python: hooks('python', 'login.py'),
          typescript: hooks('typescript', 'login.ts'),
          lua: hooks('lua', 'login.lua'),
        },
        plugins,
        configuration: { guests: { environment: { LOGIN_URL: 'https://login.example' } } },
      },
      async ({ url }) => {
        for (const name of ['python', 'typescript', 'lua']) {
          const response = await fetch(`${url}/${name}/`);
          assert.is(response.status, 200, name);
          const { headers } = upstream.requests.at(-1) ?? {};
          assert.equal([name, headers?.['x-login'], headers?.['x-secret']], [name, 'https://login.example', 'none']);
        }
      },
    );
  });
});

environment.run();
