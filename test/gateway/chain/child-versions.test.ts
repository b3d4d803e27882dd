import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withGateway, withUpstream } from '../with-gateway.ts';

const versions = suite('versions that are APIs of their own');

type Definition = Record<string, unknown>;

/** A base API, and two more as its versions: v2, which is open, and closed, which asks for keys. */
async function withVersions(
  rule: Definition,
  use: (
    get: (path: string, headers?: Record<string, string>) => Promise<{ status: number; url: string }>,
  ) => Promise<void>,
): Promise<void> {
  await withUpstream(async ({ url }) => {
    const target = (name: string): Definition => ({ target_url: `${url}${name}/` });
    const definition = { enabled: true, name: 'v1', default: 'self', location: 'header', key: 'X-Version', ...rule };
    const apis = {
      base: {
        definition: { versions: { v2: 'second', closed: 'closed', lost: 'nowhere' }, ...definition },
        proxy: target('one'),
      },
      second: { internal: true, proxy: target('two') },
      closed: { internal: true, use_keyless: false, proxy: target('three') },
    };
    await withGateway({ apis }, async (gateway) => {
      await use(async (path, headers = {}) => {
        const response = await fetch(gateway.url + path, { headers });
        const body = (await response.json()) as { url?: string };
        return { status: response.status, url: body.url ?? '' };
      });
    });
  });
}

versions('a request goes on in the API that its version names, with the steps of that one', async () => {
  await withVersions({}, async (get) => {
    assert.equal(await get('/base/x?a=1'), { status: 200, url: '/one/x?a=1' });
    assert.equal(await get('/base/x', { 'X-Version': 'v1' }), { status: 200, url: '/one/x' });
    assert.equal(await get('/base/x?a=1', { 'X-Version': 'v2' }), { status: 200, url: '/two/x?a=1' });
    assert.is((await get('/base/x', { 'X-Version': 'closed' })).status, 401);
  });
});

versions('an unknown version is refused, unless it counts as the default', async () => {
  await withVersions({}, async (get) => assert.is((await get('/base/x', { 'X-Version': 'v9' })).status, 404));
  await withVersions({ fallback_to_default: true, default: 'v2' }, async (get) => {
    assert.is((await get('/base/x', { 'X-Version': 'v9' })).url, '/two/x');
    assert.is((await get('/base/x')).url, '/two/x');
    // It is a version, and its API is not there: nobody else may answer for it.
    assert.is((await get('/base/x', { 'X-Version': 'lost' })).status, 503);
  });
  await withVersions({ default: '' }, async (get) => assert.is((await get('/base/x')).status, 403));
});

versions('the version is taken out of the path, the query or the headers', async () => {
  const rule = { strip_versioning_data: true };
  await withVersions({ ...rule, location: 'url' }, async (get) => {
    assert.is((await get('/base/v2/x/v2')).url, '/two/x/v2');
    assert.is((await get('/base/v1/x')).url, '/one/x');
  });
  await withVersions({ ...rule, location: 'url', fallback_to_default: true }, async (get) => {
    assert.is((await get('/base/orders/1')).url, '/one/orders/1');
  });
  await withVersions({ ...rule, location: 'url-param', key: 'v' }, async (get) => {
    assert.is((await get('/base/x?a=1&v=v2&b=2')).url, '/two/x?a=1&b=2');
  });
});

versions('versions that name each other do not send a request around for ever', async () => {
  await withUpstream(async ({ url }) => {
    const rule = { enabled: true, name: 'v1', default: 'v2', location: 'header', key: 'X-Version' };
    const apis = {
      first: { definition: { ...rule, versions: { v2: 'second' } }, proxy: { target_url: url } },
      second: { definition: { ...rule, versions: { v2: 'first' } }, proxy: { target_url: url } },
    };
    await withGateway({ apis }, async (gateway) => assert.is((await fetch(`${gateway.url}/first/`)).status, 200));
  });
});

versions.run();
