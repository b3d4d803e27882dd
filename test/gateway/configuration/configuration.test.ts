import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfiguration, parseAddress, resolveConfiguration } from '../../../gateway/configuration/index.ts';
import { complaint, withFiles } from './files.ts';
import { cert, key } from './key-pair.ts';

const configuration = suite('configuration');

configuration('an empty file is enough: every key has a default', () =>
  withFiles({ 'interpose.yaml': '# nothing\n' }, (folder) => {
    const { listeners, control, store, limits, coprocess } = loadConfiguration(join(folder, 'interpose.yaml'), {});
    assert.equal(listeners[0]?.address, { kind: 'tcp', host: '127.0.0.1', port: 8080 });
    assert.is(control.secret, undefined);
    assert.is(store.kind, 'memory');
    assert.is(limits.hookTimeoutMs, 5000);
    assert.equal(coprocess.targets, []);
  }),
);

configuration('nothing in what the process runs by is missing', () => {
  const full = resolveConfiguration({
    tracing: {},
    servers: { default: { target: 'h:1' } },
    store: { kind: 'redis', url: 'redis://h' },
    listeners: [{ tls: { cert, key } }],
  });
  const optional = ['ca', 'requestClientCertificate', 'serverNames', 'ciphers', 'minVersion'];
  assert.equal(
    optional.filter((name) => !(name in (full.listeners[0]?.tls ?? {}))),
    [],
  );
  assert.equal(
    ['authority', 'tls', 'timeoutMs'].filter((name) => !(name in (full.servers.default ?? {}))),
    [],
  );
  assert.equal(
    ['username', 'password', 'sentinelMaster', 'tls'].filter((name) => !(name in full.store)),
    [],
  );
  assert.equal(
    ['hashFunction'].filter((name) => !(name in full.keys)),
    [],
  );
  assert.equal(
    ['baseUrl', 'publicKey'].filter((name) => !(name in full.bundles)),
    [],
  );
});

configuration('the example of the docs says what it seems to say', () =>
  withFiles(
    {
      'interpose.yaml': `
listeners:
  - { address: 127.0.0.1:8080 }
control: { address: 127.0.0.1:8081, secret: env://INTERPOSE_SECRET }
definitions: { folder: apis, ignoreFeatures: [] }
policies: { folder: policies }
plugins: { folder: plugins }
coprocess: { targets: ["unix:/run/interpose.sock"], tls: {} }
servers:
  default: { target: "tcp://127.0.0.1:5555", timeoutMs: 1000 }
  fraud: { target: "dns:///fraud:443", tls: { ca: ca.pem } }
store: { kind: memory }
tracing: { endpoint: "http://127.0.0.1:4317", ratio: 1 }
limits: { hookTimeoutMs: 5000, maxBodyBytes: 10485760, maxQueuedCalls: 4096 }
`,
      'ca.pem': cert,
    },
    (folder) => {
      const read = loadConfiguration(join(folder, 'interpose.yaml'), { INTERPOSE_SECRET: 'a-secret-of-some-length' });
      assert.is(read.control.secret, 'a-secret-of-some-length');
      assert.is(read.definitions.folder, join(folder, 'apis'));
      assert.equal(read.coprocess.targets, ['unix:/run/interpose.sock']);
      assert.is(read.servers.default?.target, '127.0.0.1:5555');
      assert.is(read.servers.default?.timeoutMs, 1000);
      assert.is(read.servers.fraud?.target, 'dns:///fraud:443');
      assert.is(read.servers.fraud?.timeoutMs, 5000);
      assert.is(read.servers.fraud?.tls?.ca, cert);
      assert.is(read.tracing?.endpoint, 'http://127.0.0.1:4317');
      assert.equal(read.warnings, []);
    },
  ),
);

configuration('JSON is taken as well, with tabs and all', () =>
  withFiles({ 'interpose.json': '{\n\t"log": {\n\t\t"level": "warn"\n\t}\n}' }, (folder) => {
    assert.is(loadConfiguration(join(folder, 'interpose.json'), {}).log.level, 'warn');
  }),
);

configuration('anchors of YAML can share what several servers have in common', () =>
  withFiles({ 'c.yaml': 'servers:\n  a: &one { target: "h:1", timeoutMs: 7 }\n  b: *one\n' }, (folder) => {
    assert.is(loadConfiguration(join(folder, 'c.yaml'), {}).servers.b?.timeoutMs, 7);
  }),
);

configuration('addresses have the forms that people write', () => {
  assert.equal(parseAddress('h:1', '/'), { kind: 'tcp', host: 'h', port: 1 });
  assert.equal(parseAddress(':80', '/'), { kind: 'tcp', host: '::', port: 80 });
  assert.equal(parseAddress('[::1]:0', '/'), { kind: 'tcp', host: '::1', port: 0 });
  assert.equal(parseAddress('unix:run/s', '/x'), { kind: 'unix', path: '/x/run/s' });
  assert.equal(parseAddress('unix:///run/s', '/x'), { kind: 'unix', path: '/run/s' });
  for (const none of ['', 'h', '80', 'h:x', '::1:80', 'http://h:80', 'unix:'])
    assert.is(parseAddress(none, '/'), undefined);
});

configuration('a Python environment is a program, or the one of a virtual environment beside the file', () =>
  withFiles(
    { 'interpose.yaml': 'python: { environments: { old: { interpreter: python3.9 }, ml: { venv: ml } } }' },
    (folder) => {
      const { python } = loadConfiguration(join(folder, 'interpose.yaml'), {});
      assert.equal(python.environments, { old: 'python3.9', ml: join(folder, 'ml/bin/python') });
    },
  ),
);

configuration('a limit of 0 is no limit', () => {
  const { limits, analytics } = resolveConfiguration({
    limits: { idleTimeoutMs: 0, receiveTimeoutMs: 0, maxRequestBodyBytes: 0 },
    analytics: { expireMs: 0 },
  });
  assert.is(limits.idleTimeoutMs, Number.POSITIVE_INFINITY);
  assert.is(limits.receiveTimeoutMs, Number.POSITIVE_INFINITY);
  assert.is(limits.maxRequestBodyBytes, Number.POSITIVE_INFINITY);
  assert.is(analytics.expireMs, Number.POSITIVE_INFINITY);
});

configuration('analytics records need a Redis, and msgpack', () => {
  const text = complaint(() => resolveConfiguration({ analytics: { enabled: true } }));
  assert.match(text, /"analytics.enabled" needs a Redis for its records.*\n.*store: \{ kind: redis/);
  const store = { kind: 'redis', url: 'redis://127.0.0.1:6379' } as const;
  const other = complaint(() => resolveConfiguration({ store, analytics: { enabled: true, serializer: 'protobuf' } }));
  assert.match(other, /"analytics.serializer" asks for protobuf.*\n.*msgpack/);
  assert.is(resolveConfiguration({ store, analytics: { enabled: true } }).analytics.enabled, true);
});

configuration('hooks of servers and scripts have the limit of all hooks, unless they have one of their own', () => {
  const servers = { default: { target: 'h:1' }, slow: { target: 'h:2', timeoutMs: 9000 } };
  const read = resolveConfiguration({ limits: { hookTimeoutMs: 700 }, servers });
  assert.is(read.servers.default?.timeoutMs, 700);
  assert.is(read.servers.slow?.timeoutMs, 9000);
  assert.is(read.javascript.timeoutMs, 700);
});

configuration('a client certificate is asked for as soon as its authority is named', () => {
  const [listener] = resolveConfiguration({ listeners: [{ tls: { cert, key, ca: cert } }] }).listeners;
  assert.is(listener?.tls?.requestClientCertificate, true);
});

configuration('a URL of Redis has everything in it', () => {
  const { store } = resolveConfiguration({ store: { kind: 'redis', url: 'rediss://me:p%40ss@[::1]:7000/3' } });
  assert.ok(store.kind === 'redis');
  assert.equal(store.addresses, [{ host: '::1', port: 7000 }]);
  assert.equal([store.username, store.password, store.database], ['me', 'p@ss', 3]);
  assert.is(store.tls?.insecureSkipVerify, false);
});

configuration('what is dangerous needs a second word', () => {
  assert.is(resolveConfiguration().plugins.trustedInProcess, false);
  const trusted = { inProcess: 'yes, I know', authContinue: 'yes, I know' } as const;
  const { plugins } = resolveConfiguration({ plugins: { trusted } });
  assert.equal([plugins.trustedInProcess, plugins.authMayContinue], [true, true]);
});

configuration('a weak secret on loopback is taken, with a warning that does not show it', () => {
  const { warnings, control } = resolveConfiguration({ control: { secret: 'secret-1' } });
  assert.is(control.secret, 'secret-1');
  assert.match(warnings.join(), /8 characters.*loopback/);
  assert.not.match(warnings.join(), /secret-1/);
});

configuration('an empty secret opens nothing', () => {
  const { warnings, control } = resolveConfiguration({ control: { secret: '' } });
  assert.is(control.secret, undefined);
  assert.match(warnings.join(), /not served/);
});

configuration('no secret at all is no problem anywhere: the control API is not there', () => {
  assert.is(resolveConfiguration({ control: { address: ':8081' } }).control.secret, undefined);
});

configuration.run();
