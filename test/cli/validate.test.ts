import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withFiles } from '../gateway/configuration/files.ts';
import { interpose } from './interpose.ts';

const validate = suite('interpose validate');

const api = (more: object): string =>
  JSON.stringify({
    name: 'a',
    api_id: 'a',
    org_id: 'o',
    use_keyless: true,
    active: true,
    proxy: { listen_path: '/a/', target_url: 'http://127.0.0.1:1/', strip_listen_path: true },
    version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
    ...more,
  });

validate('a right configuration with right definitions: exit code 0', () =>
  withFiles({ 'interpose.yaml': '', 'apis/a.json': api({}) }, async (cwd) => {
    const { code, stdout, stderr } = await interpose(['validate'], { cwd });
    assert.is(code, 0, stderr);
    assert.match(stdout, /^interpose\.yaml: 1 API in .*apis; all is well\.\n$/);
    assert.is(stderr, '');
  }),
);

validate('a definition that asks for what we do not have: named, exit code 2', () =>
  withFiles({ 'interpose.yaml': '', 'apis/a.json': api({ use_keyless: false, enable_jwt: true }) }, async (cwd) => {
    const { code, stdout, stderr } = await interpose(['validate'], { cwd });
    assert.is(code, 2);
    assert.match(stderr, /a\.json: enable_jwt/);
    assert.match(stdout, /0 APIs .*1 problem/);
  }),
);

validate('a hook that names a plugin server which is not configured', () => {
  const hooks = { custom_middleware: { driver: 'grpc', pre: [{ name: 'stamp', interpose: { server: 'fraud' } }] } };
  return withFiles({ 'interpose.yaml': '', 'apis/a.json': api(hooks) }, async (cwd) => {
    const { code, stderr } = await interpose(['validate'], { cwd });
    assert.is(code, 2);
    assert.match(stderr, /a\.json: hook "stamp" needs the plugin server "fraud"; add it to servers/);
  });
});

validate('a feature to ignore that nobody knows', () =>
  withFiles({ 'interpose.yaml': 'definitions: { ignoreFeatures: [jtw] }', 'apis/a.json': api({}) }, async (cwd) => {
    const { code, stderr } = await interpose(['validate'], { cwd });
    assert.is(code, 2);
    assert.match(stderr, /there is no feature "jtw"; known are .*jwt/);
  }),
);

validate('a folder of definitions that is not there', () =>
  withFiles({ 'interpose.yaml': '' }, async (cwd) => {
    const { code, stderr } = await interpose(['validate'], { cwd });
    assert.is(code, 2);
    assert.match(stderr, /apis" cannot be read.*change definitions\.folder/);
  }),
);

validate('warnings are told, and are no problem', () =>
  withFiles({ 'interpose.yaml': 'control: { secret: short }', 'apis/a.json': api({}) }, async (cwd) => {
    const { code, stdout } = await interpose(['validate'], { cwd });
    assert.is(code, 0);
    assert.match(stdout, /^warning: .*5 characters/);
  }),
);

validate.run();
