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
