import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { featureNames, parseClassic, parseOas, refusalLines } from '../../../gateway/definitions/index.ts';
import { badDefinitions } from './bad-definitions.ts';
import { features, oasFeatures } from './lacking-features.ts';
import { apiOf, classic, oas, withPaths } from './sample.ts';

const refusals = suite('refused definitions');

for (const { wrong, definition, format, path, what, cure } of badDefinitions) {
  refusals(`${wrong}: the message names file, ${path || 'document'} and cure`, () => {
    const parse = format === 'oas' ? parseOas : parseClassic;
    const { refusal, api } = parse(definition, 'apis/bad.json', { env: {} });
    assert.is(api, undefined);
    const problem = refusal?.problems.find((candidate) => candidate.path === path);
    assert.ok(problem, `no problem at "${path}": ${JSON.stringify(refusal?.problems)}`);
    assert.match(problem.what, what);
    assert.match(problem.cure, cure);
    const line = refusal === undefined ? '' : refusalLines(refusal)[refusal.problems.indexOf(problem)];
    assert.is(line, `apis/bad.json: ${path === '' ? '' : `${path}: `}${problem.what}; ${problem.cure}`);
  });
}

refusals('all problems are told at once, and the worst names the kind', () => {
  const definition = classic({
    api_id: 'a b',
    use_keyless: false,
    enable_jwt: true,
    active: 1,
    proxy: { target_url: 'http://a/' },
  });
  const { refusal } = parseClassic(definition, 'a.json');
  assert.is(refusal?.kind, 'unreadable');
  assert.equal(refusal?.problems.map(({ path }) => path).sort(), [
    'active',
    'api_id',
    'enable_jwt',
    'proxy.listen_path',
  ]);
});

refusals('a script in the definition is refused where the operator wants none', () => {
  const virtual = [
    {
      path: '/v',
      method: 'GET',
      response_function_name: 'f',
      function_source_type: 'blob',
      function_source_uri: Buffer.from('function f() {}').toString('base64'),
    },
  ];
  assert.ok(apiOf(withPaths({ virtual })));
  const { refusal } = parseClassic(withPaths({ virtual }), 'a.json', { virtualBlobs: false });
  assert.match(
    refusal === undefined ? '' : (refusalLines(refusal)[0] as string),
    /extended_paths\.virtual\[0\]\.function_source_type: is "blob", and .*disable_virtual_path_blobs\); put the script into a file/,
  );
  const file = [{ ...virtual[0], function_source_type: 'file', function_source_uri: 'v.js' }];
  assert.is(parseClassic(withPaths({ virtual: file }), 'a.json', { virtualBlobs: false }).refusal, undefined);
});

refusals('a refusal knows where the API would have answered', () => {
  const { refusal } = parseClassic(classic({ use_keyless: false, enable_jwt: true, domain: 'a.test' }), 'a.json');
  assert.equal([refusal?.id, refusal?.listenPath, refusal?.domain], ['orders', '/orders/', 'a.test']);
});

for (const { path, feature, definition, parse } of [...features, ...oasFeatures]) {
  refusals(`${path} is refused as "${feature}", unless the operator does without it`, () => {
    const { refusal } = parse(definition, 'a.json');
    assert.is(refusal?.kind, 'feature');
    assert.equal(
      refusal?.problems.map((problem) => [problem.path, problem.feature]),
      [[path, feature]],
    );
    assert.match(refusal?.problems[0]?.cure ?? '', new RegExp(`or list "${feature}" in definitions.ignoreFeatures`));
    const ignoring = parse(definition, 'a.json', { ignoreFeatures: [feature] });
    assert.ok(ignoring.api);
    assert.match(ignoring.warnings.join('\n'), new RegExp(`the feature "${feature}" is ignored`));
  });
}

refusals('every feature that has a name is in a case above', () => {
  const tried = new Set([...features, ...oasFeatures].map(({ feature }) => feature));
  assert.equal(
    featureNames.filter((name) => !tried.has(name)),
    [],
  );
});

refusals('features that are there and off do not matter', () => {
  const off = {
    enable_jwt: true, // the API is keyless
    cache_options: { enable_cache: false, cache_timeout: 60 },
    graphql: { enabled: false },
    uptime_tests: { disable: true, check_list: [{ url: 'http://a' }] },
    upstream_certificates: { '*': 'id' },
    upstream_certificates_disabled: true,
    listen_port: 0,
    protocol: 'https',
    version_data: {
      not_versioned: true,
      versions: {
        Default: {
          use_extended_paths: true,
          extended_paths: { transform: [{ path: '/a', disabled: true }], cache: ['/a'], validate_json: [] },
        },
      },
    },
  };
  assert.ok(apiOf(classic(off)));
  const unused = { use_extended_paths: false, extended_paths: { transform: [{ path: '/a' }] } };
  assert.ok(apiOf(classic({ version_data: { not_versioned: true, versions: { Default: unused } } })));
});

refusals('a cache that nothing was picked for is off', () => {
  const advance = {
    use_extended_paths: true,
    extended_paths: { advance_cache_config: [{ path: '/a', disabled: true }] },
  };
  for (const version of [{}, { use_extended_paths: false, extended_paths: { cache: ['/a'] } }, advance]) {
    const definition = classic({
      cache_options: { enable_cache: true, cache_timeout: 60, cache_all_safe_requests: false, cache_by_headers: [] },
      version_data: { not_versioned: true, versions: { Default: version } },
    });
    assert.ok(apiOf(definition));
  }
  const global = { cache: { enabled: true, timeout: 60, enableUpstreamCacheControl: true } };
  const { refusal } = parseOas(
    oas({ middleware: { global, operations: { list: { cache: { enabled: false } } } } }),
    'a.json',
  );
  assert.is(refusal, undefined);
});

refusals.run();
