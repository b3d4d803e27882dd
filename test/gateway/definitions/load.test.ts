import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDefinitions, refusalLines } from '../../../gateway/definitions/index.ts';
import { classic, oas, oasOperation } from './sample.ts';

const loading = suite('a folder of definitions');

type Files = Record<string, unknown>;

/** A folder with these files: texts as they are, everything else as JSON. They look an hour old. */
async function withFolder(
  files: Files,
  use: (folder: string, write: (files: Files) => Promise<void>) => Promise<void>,
) {
  const folder = await mkdtemp(join(tmpdir(), 'definitions-'));
  let age = Date.now() - 3_600_000;
  const write = async (changed: Files): Promise<void> => {
    age += 60_000;
    for (const [name, content] of Object.entries(changed)) {
      await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
      await utimes(join(folder, name), new Date(age), new Date(age));
    }
  };
  try {
    await write(files);
    await use(folder, write);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function at(id: string, fields: Record<string, unknown> = {}) {
  const proxy = { listen_path: `/${id}/`, target_url: 'http://127.0.0.1:3000/', strip_listen_path: true };
  return classic({ api_id: id, proxy, ...fields });
}

loading('both formats load side by side, in the order of their file names', async () => {
  const yaml =
    'openapi: 3.0.3\ninfo: {title: t}\nx-tyk-api-gateway:\n  info: {name: n, state: {active: true}}\n  upstream: {url: "http://a/"}\n  server: {listenPath: {value: /y/}}\n';
  await withFolder(
    { 'b.json': at('b'), 'a.json': oas({ info: { id: 'a' } }), 'c.yaml': yaml, 'notes.txt': 'x' },
    async (folder) => {
      const { apis, refusals } = await loadDefinitions(folder);
      assert.equal(refusals, []);
      assert.equal(
        apis.map(({ id, format }) => [id, format]),
        [
          ['a', 'oas'],
          ['b', 'classic'],
          ['c', 'oas'],
        ],
      );
    },
  );
});

loading('a broken file is refused, and the good ones beside it load', async () => {
  const files = {
    'good.json': at('good'),
    'syntax.json': '{"api_id": "x", ',
    'list.json': '[1, 2]',
    'type.json': at('type', { active: 'yes' }),
    'bad.yaml': 'a: [',
  };
  await withFolder(files, async (folder) => {
    const { apis, refusals } = await loadDefinitions(folder);
    assert.equal(
      apis.map(({ id }) => id),
      ['good'],
    );
    assert.ok(refusals.every(({ kind }) => kind === 'unreadable'));
    assert.equal(
      refusals.map(({ source }) => source.slice(folder.length + 1)),
      ['bad.yaml', 'list.json', 'syntax.json', 'type.json'],
    );
    assert.match(
      refusals.flatMap(refusalLines)[2] ?? '',
      /syntax\.json: is no JSON: .* position 16.*; correct the syntax$/,
    );
  });
});

loading('twins: the Classic file decides, the document beside it adds mocks', async () => {
  const document = oasOperation({ mockResponse: { enabled: true, code: 201, body: 'm' } });
  await withFolder({ 'o.json': at('o', { is_oas: true }), 'o-oas.json': document }, async (folder) => {
    const { apis, warnings } = await loadDefinitions(folder);
    assert.equal(
      apis.map(({ id }) => id),
      ['o'],
    );
    assert.is(apis[0]?.versions.single?.endpoints.mocks.length, 1);
    assert.equal(warnings, []);
  });
});

loading('a twin without its other half is reported', async () => {
  await withFolder({ 'a-oas.json': oas(), 'b.json': at('b', { is_oas: true }) }, async (folder) => {
    const { apis, warnings } = await loadDefinitions(folder);
    assert.equal(
      apis.map(({ id }) => id),
      ['b'],
    );
    assert.match(warnings[0] ?? '', /a-oas\.json: is left out, for a\.json is not beside it/);
    assert.match(warnings[1] ?? '', /there is no b-oas\.json beside it/);
  });
});

loading('an API without an id takes its file’s name', async () => {
  await withFolder({ 'billing.json': at('x', { api_id: undefined }) }, async (folder) => {
    assert.is((await loadDefinitions(folder)).apis[0]?.id, 'billing');
  });
});

loading('the second API with an id is refused', async () => {
  await withFolder({ 'a.json': at('same'), 'b.json': at('same') }, async (folder) => {
    const { apis, refusals } = await loadDefinitions(folder);
    assert.is(apis[0]?.source, join(folder, 'a.json'));
    assert.match(refusals[0]?.problems[0]?.what ?? '', /"same" is also the id of .*a\.json/);
  });
});

loading('APIs on one listen path are all moved to it with their id appended', async () => {
  const proxy = { listen_path: '/same/', target_url: 'http://a/' };
  const files = {
    'x.json': at('x', { proxy }),
    'y.json': at('y', { proxy }),
    'z.json': at('z', { proxy, domain: 'z.test' }),
    'off.json': at('off', { proxy, active: false }),
  };
  await withFolder(files, async (folder) => {
    const paths = async (customDomains: boolean) =>
      (await loadDefinitions(folder, { customDomains })).apis.map(({ listen }) => listen.path);
    assert.equal(await paths(false), ['/same/', '/same/-x', '/same/-y', '/same/-z']);
    assert.equal(await paths(true), ['/same/', '/same/-x', '/same/-y', '/same/']);
  });
});

loading('a load after another keeps the APIs of files that have not changed', async () => {
  await withFolder({ 'a.json': at('a'), 'b.json': at('b'), 'c.json': at('c') }, async (folder, write) => {
    const options = {};
    const first = await loadDefinitions(folder, options);
    await write({ 'b.json': at('b', { name: 'changed' }) });
    await rm(join(folder, 'c.json'));
    const second = await loadDefinitions(folder, options, first);
    assert.equal(
      second.apis.map(({ name }) => name),
      ['Orders', 'changed'],
    );
    assert.is(second.apis[0], first.apis[0]);
    const other = await loadDefinitions(folder, {}, second);
    assert.is.not(other.apis[0], first.apis[0]);
  });
});

loading('a definition that refers to a secret is read again each time', async () => {
  await withFolder({ 'a.json': at('a', { org_id: 'env://ORG' }) }, async (folder) => {
    const env: Record<string, string> = { ORG: 'one' };
    const options = { env };
    const first = await loadDefinitions(folder, options);
    env.ORG = 'two';
    const second = await loadDefinitions(folder, options, first);
    assert.equal([first.apis[0]?.orgId, second.apis[0]?.orgId], ['one', 'two']);
  });
});

loading('the examples of the public documentation load, completed with names of files and services', async () => {
  const custom_middleware = {
    pre: [{ name: 'PreHook1', path: '/path/to/pre.py', disabled: false, require_session: false, raw_body_only: false }],
    auth_check: { name: 'AuthCheck', path: '/path/to/auth.py', disabled: false, require_session: false },
    post_key_auth: [{ name: 'PostKeyAuth', path: '/path/to/pka.py', disabled: false }],
    post: [
      { name: 'PostHook1', path: '/path/to/post.py' },
      { name: 'PostHook2', path: '/path/to/post.py' },
    ],
    response: [{ name: 'ResponseHook', path: '/path/to/response.py' }],
    driver: 'python',
  };
  const quickstart = {
    name: 'Tyk Classic Bundle API',
    api_id: '1',
    org_id: 'default',
    definition: { location: 'header', key: 'version' },
    auth: { auth_header_name: 'authorization' },
    use_keyless: true,
    version_data: {
      not_versioned: true,
      versions: {
        Default: {
          name: 'Default',
          expires: '3000-01-02 15:04',
          use_extended_paths: true,
          extended_paths: { ignored: [], white_list: [], black_list: [] },
        },
      },
    },
    proxy: { listen_path: '/quickstart/', target_url: 'http://httpbin.test/', strip_listen_path: true },
    custom_middleware,
  };
  const oasPlugin = {
    enabled: true,
    functionName: 'f',
    path: '/path/to/plugin.py',
    rawBodyOnly: true,
    requireSession: true,
  };
  const document = oas({
    info: {
      dbId: '667962397f6de50001508ac4',
      id: 'b4d8ac6e5a274d7c7959d069b47dc206',
      name: 'OAS APIs Plugins',
      state: { active: true, internal: false },
    },
    middleware: {
      global: {
        pluginConfig: { driver: 'python' },
        postAuthenticationPlugins: [oasPlugin],
        postPlugins: [oasPlugin],
        prePlugins: [{ enabled: true, functionName: 'pre-plugin', path: '/path/to/pre.py' }],
        responsePlugins: [oasPlugin],
      },
    },
  });
  await withFolder({ 'classic.json': quickstart, 'oas.json': document }, async (folder) => {
    const { apis, refusals, warnings } = await loadDefinitions(folder);
    assert.equal(refusals, []);
    assert.equal(warnings, []);
    assert.equal(
      apis.map(({ plugins }) => plugins.hooks.map(({ type }) => type)),
      [
        ['pre', 'post', 'post', 'response'],
        ['pre', 'post', 'response'],
      ],
    );
  });
});

loading('a folder that is not there is an error that names it', async () => {
  try {
    await loadDefinitions('/no/such/folder');
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /"\/no\/such\/folder" cannot be read \(ENOENT\); create it/);
  }
});

loading.run();
