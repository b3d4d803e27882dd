import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { UserConfiguration } from '../../../gateway/configuration/index.ts';
import { withGateway, withUpstream } from '../with-gateway.ts';

const rules = suite('rules of requests');

function extended(paths: object): object {
  const versions = { Default: { name: 'Default', use_extended_paths: true, extended_paths: paths } };
  return { not_versioned: true, versions };
}

rules('a rewrite is tried on path and query with the listen path, as they came and then without escapes', async () => {
  await withUpstream(async ({ url, requests }) => {
    const url_rewrites = [
      { path: '/{any}', method: 'GET', match_pattern: '^/api/(a%20b|a c)[?]q=(.*)$', rewrite_to: '/new/$2' },
    ];
    const api = { version_data: extended({ url_rewrites }), proxy: { target_url: url } };
    await withGateway({ apis: { api } }, async (gateway) => {
      await fetch(`${gateway.url}/api/a%20b?q=1`);
      assert.is(requests.at(-1)?.url, '/new/1');
      await fetch(`${gateway.url}/api/a%20c?q=2`);
      assert.is(requests.at(-1)?.url, '/new/2');
      await fetch(`${gateway.url}/api/other?q=3`);
      assert.is(requests.at(-1)?.url, '/other?q=3');
    });
  });
});

rules(
  'variables tell of the request as it came: query, form, path, host, cookies; and are empty without enable_context_vars',
  async () => {
    await withUpstream(async ({ url, requests }) => {
      const global_headers = {
        'X-Query': '$tyk_context.request_data_user_id',
        'X-All': '$tyk_context.request_data',
        'X-Parts': '$tyk_context.path_parts',
        'X-Host': '$tyk_context.headers_Host',
        'X-Name': '<$tyk_context.headers_X_Name>',
        'X-Cookie': '$tyk_context.cookies_sid',
      };
      const version_data = { not_versioned: true, versions: { Default: { name: 'Default', global_headers } } };
      const proxy = { target_url: url };
      const apis = { on: { enable_context_vars: true, version_data, proxy }, off: { version_data, proxy } };
      await withGateway({ apis }, async (gateway) => {
        const headers = { 'X-Name': Buffer.from('Jürgen').toString('latin1'), Cookie: 'a=b; sid=5' };
        await fetch(`${gateway.url}/on/p?user-id=7`, { headers });
        const seen = requests.at(-1)?.headers ?? {};
        const told = ['x-query', 'x-all', 'x-parts', 'x-host', 'x-cookie'].map((name) => seen[name]);
        assert.equal(told, ['7', 'user-id:7', 'on,p', new URL(gateway.url).host, '5']);
        assert.is(Buffer.from(String(seen['x-name']), 'latin1').toString(), '<Jürgen>');
        await fetch(`${gateway.url}/on/p?user-id=7`, {
          method: 'POST',
          body: new URLSearchParams({ 'user-id': 'form' }),
        });
        assert.is(requests.at(-1)?.headers['x-query'], 'form');
        await fetch(`${gateway.url}/off/p?user-id=7`, { headers });
        assert.is(requests.at(-1)?.headers['x-name'], '<>');
      });
    });
  },
);

rules('a rewrite is chosen by its triggers, and may use what they matched', async () => {
  await withUpstream(async ({ url, requests }) => {
    const trigger = (on: string, options: object, rewrite_to: string): object => ({ on, options, rewrite_to });
    const triggers = [
      trigger('any', { payload_matches: { match_rx: 'n(a)me' } }, '/body/$tyk_context.trigger-0-payload'),
      trigger('all', { path_part_matches: { part: { match_rx: '^v(.)$' } } }, '/part/$tyk_context.trigger-1-part-0-0'),
      trigger(
        'any',
        { query_val_matches: { my_key: { match_rx: '.+' } } },
        '/query/$tyk_context.trigger-2-my_key-0/$9',
      ),
    ];
    const url_rewrites = [
      { path: '/{any}', method: 'POST', match_pattern: '.*', rewrite_to: '/none', triggers },
      { path: '/{any}', method: 'GET', match_pattern: '.*', rewrite_to: '/none', triggers },
    ];
    const api = { version_data: extended({ url_rewrites }), proxy: { target_url: url } };
    await withGateway({ apis: { api } }, async (gateway) => {
      await fetch(`${gateway.url}/api/x`, { method: 'POST', body: '{"name":1}' });
      for (const path of ['v1', 'x?my_key=a%20b', 'x']) await fetch(`${gateway.url}/api/${path}`);
      assert.equal(
        requests.map((request) => request.url),
        ['/body/name', '/part/1', '/query/a+b/', '/none'],
      );
    });
  });
});

rules('what names a version stays behind with strip_versioning_data', async () => {
  await withUpstream(async ({ url, requests }) => {
    const named = (location: string): Record<string, unknown> => ({
      definition: { location, key: 'ver', strip_versioning_data: true },
      version_data: { not_versioned: false, versions: { v2: { name: 'v2' } } },
      proxy: { target_url: url },
    });
    const apis = { header: named('header'), query: named('url-param'), path: named('url') };
    await withGateway({ apis }, async (gateway) => {
      await fetch(`${gateway.url}/header/x`, { headers: { Ver: 'v2' } });
      assert.is(requests.at(-1)?.headers.ver, undefined);
      await fetch(`${gateway.url}/query/x?ver=v2&b=2&a=1`);
      await fetch(`${gateway.url}/path/v2/x`);
      assert.equal(
        requests.map((request) => request.url),
        ['/x', '/x?a=1&b=2', '/x'],
      );
    });
  });
});

/** Statuses of requests with such headers, where only 10.1.2.3 may come. */
async function allowed(
  forwardedFor: 'ignore' | 'first' | number | undefined,
  ...requests: Record<string, string>[]
): Promise<number[]> {
  const statuses: number[] = [];
  await withUpstream(async ({ url }) => {
    const api = { enable_ip_whitelisting: true, allowed_ips: ['10.1.2.3'], proxy: { target_url: url } };
    const configuration: UserConfiguration = forwardedFor === undefined ? {} : { routing: { forwardedFor } };
    await withGateway({ apis: { api }, configuration }, async (gateway) => {
      for (const headers of requests) statuses.push((await fetch(`${gateway.url}/api/`, { headers })).status);
    });
  });
  return statuses;
}

rules('headers say who a client is only as far as the operator believes them', async () => {
  const real = { 'X-Real-Ip': '10.1.2.3' };
  const first = { 'X-Forwarded-For': '10.1.2.3, 10.9.9.9' };
  const last = { 'X-Forwarded-For': '10.9.9.9, 10.1.2.3' };
  assert.equal(await allowed(undefined, real, first, last), [403, 403, 403]);
  assert.equal(await allowed('first', real, first, last, {}), [200, 200, 403, 403]);
  assert.equal(await allowed(1, real, first, last), [403, 403, 200]);
  assert.equal(await allowed(2, first, last, { 'X-Forwarded-For': '10.1.2.3' }), [200, 403, 403]);
});

rules.run();
