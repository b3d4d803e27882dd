import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BundleSpec } from '../../conformance/peers/bundle.ts';
import {
  definition,
  type TestGateway,
  type TestUpstream,
  withGateway,
  withUpstream,
} from '../../gateway/with-gateway.ts';
import { type TestStore, withStore } from './with-store.ts';

const serving = suite('APIs with bundles');

/** A Python bundle whose pre hook sets `X-Bundle`. */
const stamping = (text: string): BundleSpec => ({
  manifest: { file_list: ['middleware.py'], custom_middleware: { driver: 'python', pre: [{ name: 'stamp' }] } },
  files: {
    'middleware.py': `
from tyk.decorators import Hook
@Hook
def stamp(request, session, spec):
    request.add_header("X-Bundle", "${text}")
    return request, session
`,
  },
});

interface Parts {
  readonly gateway: TestGateway;
  readonly upstream: TestUpstream;
  readonly server: TestStore;
}

async function withBundles(
  bundles: Readonly<Record<string, BundleSpec>>,
  apis: (target: string) => Record<string, Record<string, unknown>>,
  use: (parts: Parts) => Promise<void>,
): Promise<void> {
  await withStore({ bundles }, (server) =>
    withUpstream((upstream) =>
      withGateway(
        {
          apis: apis(upstream.url),
          configuration: { bundles: { baseUrl: server.baseUrl, folder: server.folder, maxBytes: 16_000_000 } },
        },
        (gateway) => use({ gateway, upstream, server }),
      ),
    ),
  );
}

const using = (target: string, bundle: string): Record<string, unknown> => ({
  proxy: { target_url: target },
  custom_middleware_bundle: bundle,
});

async function reload({ control }: TestGateway): Promise<void> {
  const headers = { 'X-Tyk-Authorization': 'a secret of the tests' };
  const { status } = await fetch(`${control}/tyk/reload/?block=true`, { headers });
  assert.is(status, 200);
}

serving('an API whose bundle cannot be had answers 503, and serves once it can', async () => {
  const apis = (target: string): Record<string, Record<string, unknown>> => ({ one: using(target, 'a.zip') });
  await withBundles({}, apis, async ({ gateway, upstream, server }) => {
    assert.is((await fetch(`${gateway.url}/one/x`)).status, 503);
    assert.is(upstream.requests.length, 0);
    await server.publish('a.zip', stamping('one'));
    await reload(gateway);
    assert.is((await fetch(`${gateway.url}/one/x`)).status, 200);
    assert.is(upstream.requests[0]?.headers['x-bundle'], 'one');
  });
});

serving('a reload with a bad bundle keeps what served', async () => {
  const apis = (target: string): Record<string, Record<string, unknown>> => ({ one: using(target, 'a.zip') });
  const bundles = { 'a.zip': stamping('one'), 'bad.zip': { ...stamping('bad'), checksum: null } };
  await withBundles(bundles, apis, async ({ gateway, upstream, server }) => {
    const file = join(gateway.folder, 'apis', 'one.json');
    await writeFile(file, JSON.stringify(definition('one', using(upstream.url, 'bad.zip'))));
    await reload(gateway);
    await fetch(`${gateway.url}/one/x`);
    await server.publish('new.zip', stamping('new'));
    await writeFile(file, JSON.stringify(definition('one', using(upstream.url, 'new.zip'))));
    await reload(gateway);
    await fetch(`${gateway.url}/one/x`);
    assert.equal(
      upstream.requests.map(({ headers }) => headers['x-bundle']),
      ['one', 'new'],
    );
  });
});

serving('500 APIs share one download of 5 MB, and one guest', async () => {
  const bundle = stamping('shared');
  const large = { ...bundle, files: { ...bundle.files, data: randomBytes(2_500_000).toString('hex') } };
  const apis = (target: string): Record<string, Record<string, unknown>> =>
    Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`api-${i}`, using(target, 'large.zip')]));
  const beganMs = performance.now();
  await withBundles({ 'large.zip': large }, apis, async ({ gateway, upstream, server }) => {
    assert.ok(performance.now() - beganMs < 10_000, 'it took over 10 s');
    assert.equal(server.asked, ['/large.zip']);
    for (const i of [0, 250, 499]) assert.is((await fetch(`${gateway.url}/api-${i}/x`)).status, 200);
    assert.ok(upstream.requests.every(({ headers }) => headers['x-bundle'] === 'shared'));
    console.log(`500 APIs were up after ${Math.round(performance.now() - beganMs)} ms`);
  });
});

serving('the manifest takes the place of the definition’s hooks, and of nothing else', async () => {
  const apis = (target: string): Record<string, Record<string, unknown>> => ({
    keyed: {
      ...using(target, 'auth.zip'),
      use_keyless: false,
      enable_coprocess_auth: true,
      custom_middleware: { driver: 'grpc', pre: [{ name: 'not_there' }] },
    },
    open: { ...using(target, 'auth.zip'), config_data: { who: 'me' } },
  });
  const bundle: BundleSpec = {
    manifest: {
      file_list: ['one.py'],
      custom_middleware: { driver: 'python', auth_check: { name: 'check' }, post: [{ name: 'tell' }] },
    },
    files: {
      'one.py': `
from tyk.decorators import Hook
@Hook
def check(request, session, metadata, spec):
    if request.get_header("Authorization") == "sesame":
        metadata["token"] = "t"
        session.alias = "ali"
    return request, session, metadata
@Hook
def tell(request, session, spec):
    request.add_header("X-Alias", session.alias + spec.get("config_data", ""))
    return request, session
`,
    },
  };
  await withBundles({ 'auth.zip': bundle }, apis, async ({ gateway, upstream }) => {
    assert.is((await fetch(`${gateway.url}/keyed/x`)).status, 403);
    assert.is((await fetch(`${gateway.url}/keyed/x`, { headers: { Authorization: 'sesame' } })).status, 200);
    assert.is((await fetch(`${gateway.url}/open/x`)).status, 200);
    assert.equal(
      upstream.requests.map(({ headers }) => headers['x-alias']),
      ['ali', '{"who":"me"}'],
    );
  });
});

serving('a hook that a manifest names in vain keeps its API from serving', async () => {
  const bundle = {
    ...stamping('one'),
    manifest: { file_list: ['middleware.py'], custom_middleware: { driver: 'python', pre: [{ name: 'other' }] } },
  };
  const apis = (target: string): Record<string, Record<string, unknown>> => ({ one: using(target, 'a.zip') });
  await withBundles({ 'a.zip': bundle }, apis, async ({ gateway, upstream }) => {
    assert.is((await fetch(`${gateway.url}/one/x`)).status, 503);
    assert.is(upstream.requests.length, 0);
  });
});

serving.run();
