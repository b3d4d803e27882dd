import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfiguration, loadTykConf } from '../../gateway/configuration/index.ts';
import { withFiles } from '../gateway/configuration/files.ts';
import { interpose } from './interpose.ts';

const migrate = suite('interpose migrate');

const conf = {
  listen_address: '127.0.0.1',
  listen_port: 9000,
  secret: 'a-secret-of-some-length',
  app_path: 'apps',
  middleware_path: 'middleware',
  policies: { policy_path: 'policies' },
  enable_jsvm: true,
  hash_keys: true,
  storage: { host: 'redis', password: 'swordfish' },
  coprocess_options: { enable_coprocess: true, coprocess_grpc_server: 'tcp://127.0.0.1:5555' },
  http_server_options: { enable_websockets: true, enable_strict_routes: true },
  opentelemetry: { enabled: true, endpoint: 'collector:4317', headers: { 'x-key': 'swordfish' } },
  use_sentry: true,
};

migrate('each key says where it came from, the head says what is lost, and no secret is written', () =>
  withFiles({ 'tyk.conf': JSON.stringify(conf), 'apps/a.json': '{}' }, async (cwd) => {
    const { code, stdout, stderr } = await interpose(['migrate', 'tyk.conf'], { cwd });
    assert.is(code, 0, stderr);
    assert.match(stdout, /^ {2}hash: true # hash_keys$/m);
    assert.match(stdout, /target: tcp:\/\/127\.0\.0\.1:5555 # coprocess_options\.coprocess_grpc_server/);
    assert.match(stdout, /^# NOT CARRIED OVER: use_sentry\. The log goes to standard output/m);
    assert.match(stdout, /secret: env:\/\/INTERPOSE_CONTROL_SECRET/);
    assert.not.match(stdout, /swordfish|a-secret-of/);
  }),
);

migrate('what it prints is taken as it is, and says the same', () => {
  const { use_sentry: _, ...taken } = conf;
  return withFiles({ 'tyk.conf': JSON.stringify(taken), 'apps/a.json': '{}' }, async (cwd) => {
    const { stdout } = await interpose(['migrate', 'tyk.conf'], { cwd });
    writeFileSync(join(cwd, 'interpose.yaml'), stdout);
    const secrets = {
      INTERPOSE_CONTROL_SECRET: conf.secret,
      INTERPOSE_STORE_PASSWORD: 'swordfish',
      INTERPOSE_TRACING_HEADERS_X_KEY: 'swordfish',
    };
    const ours = loadConfiguration(join(cwd, 'interpose.yaml'), secrets);
    const theirs = loadTykConf(join(cwd, 'tyk.conf'), {});
    const comparable = { source: '', warnings: [], plugins: [], compatibility: [], policies: [], bundles: [] };
    assert.equal({ ...ours, ...comparable }, { ...theirs, ...comparable });
    assert.is(ours.policies.path, join(cwd, 'policies'));
    assert.is(ours.bundles.folder, join(cwd, 'middleware/bundles'));
    assert.equal(ours.warnings, []);
    assert.ok(readFileSync(join(cwd, 'interpose.yaml'), 'utf8').length < 3000, 'defaults are left out');
  });
});

migrate.run();
