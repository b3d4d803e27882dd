import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfiguration } from '../../../gateway/configuration/index.ts';
import { complaint, withFiles } from './files.ts';
import { cert, key, otherKey } from './key-pair.ts';

interface Bad {
  /** What the operator has done. */
  readonly mistake: string;
  readonly yaml: string;
  /** Line and column of the message; absent where the whole file is meant. */
  readonly at?: string;
  /** Key that the message names. */
  readonly path?: string;
  readonly says: RegExp;
  readonly cure: RegExp;
}

const table: readonly Bad[] = [
  // Keys
  {
    mistake: 'a misspelt section',
    yaml: 'listener: []',
    at: '1:1',
    path: 'listener',
    says: /no key that we know/,
    cure: /mean "listeners"/,
  },
  {
    mistake: 'a key without its unit',
    yaml: 'limits:\n  hookTimeout: 4',
    at: '2:3',
    path: 'limits.hookTimeout',
    says: /no key/,
    cure: /"hookTimeoutMs"/,
  },
  {
    mistake: 'a Python environment that is two',
    yaml: 'python:\n  environments:\n    ml: { venv: ml, interpreter: python3 }',
    at: '3:5',
    path: 'python.environments.ml',
    says: /either interpreter or venv/,
    cure: /venv: \/opt\/ml/,
  },
  {
    mistake: 'a key in snake case',
    yaml: 'limits: { max_body_bytes: 4 }',
    at: '1:11',
    path: 'limits.max_body_bytes',
    says: /no key/,
    cure: /"maxBodyBytes"/,
  },
  {
    mistake: 'a key that is like no other',
    yaml: 'metrics: { push: true }',
    at: '1:12',
    path: 'metrics.push',
    says: /no key/,
    cure: /Known here are enabled, path/,
  },
  {
    mistake: 'an unknown key in a list',
    yaml: 'listeners:\n  - { adress: ":80" }',
    at: '2:7',
    path: 'listeners[0].adress',
    says: /no key/,
    cure: /"address"/,
  },
  {
    mistake: 'an unknown key of a plugin server',
    yaml: 'servers:\n  default:\n    target: a:1\n    timeout: 5',
    at: '4:5',
    path: 'servers.default.timeout',
    says: /no key/,
    cure: /"timeoutMs"/,
  },
  {
    mistake: 'a key of Redis for the memory store',
    yaml: 'store: { kind: memory, url: "redis://h" }',
    at: '1:24',
    path: 'store.url',
    says: /no key/,
    cure: /Known here are kind/,
  },
  {
    mistake: 'the same key twice',
    yaml: 'log: { level: info }\nlog: { level: warn }',
    at: '2:1',
    says: /no valid YAML.*unique/,
    cure: /Indent/,
  },
  // Types
  {
    mistake: 'a unit in a number',
    yaml: 'limits:\n  hookTimeoutMs: 5s',
    at: '2:3',
    path: 'limits.hookTimeoutMs',
    says: /whole number of milliseconds, got "5s"/,
    cure: /hookTimeoutMs: 5000/,
  },
  {
    mistake: 'a fraction of a byte',
    yaml: 'limits: { maxBodyBytes: 1.5 }',
    at: '1:11',
    path: 'limits.maxBodyBytes',
    says: /whole number of bytes, got 1.5/,
    cure: /maxBodyBytes: 10485760/,
  },
  {
    mistake: 'nothing where a limit must be',
    yaml: 'limits: { hookTimeoutMs: 0 }',
    at: '1:11',
    path: 'limits.hookTimeoutMs',
    says: /at least 1, got 0/,
    cure: /5000/,
  },
  {
    mistake: 'a negative limit',
    yaml: 'limits: { idleTimeoutMs: -1 }',
    at: '1:11',
    path: 'limits.idleTimeoutMs',
    says: /at least 0, got -1/,
    cure: /300000/,
  },
  {
    mistake: 'a share above 1',
    yaml: 'tracing: { ratio: 50 }',
    at: '1:12',
    path: 'tracing.ratio',
    says: /at most 1, got 50/,
    cure: /ratio: 1/,
  },
  {
    mistake: 'yes for true',
    yaml: 'log: { accessLog: yes }',
    at: '1:8',
    path: 'log.accessLog',
    says: /true or false, got "yes"/,
    cure: /accessLog: false/,
  },
  {
    mistake: 'an unknown level',
    yaml: 'log: { level: verbose }',
    at: '1:8',
    path: 'log.level',
    says: /one of trace, debug, info, warn, error, fatal, got "verbose"/,
    cure: /level: info/,
  },
  {
    mistake: 'an unknown store',
    yaml: 'store: { kind: mongo }',
    at: '1:10',
    path: 'store.kind',
    says: /one of memory, redis, got "mongo"/,
    cure: /kind: redis/,
  },
  {
    mistake: 'a map for a list',
    yaml: 'listeners: { address: ":80" }',
    at: '1:1',
    path: 'listeners',
    says: /a list, got a map/,
    cure: /listeners: \[/,
  },
  {
    mistake: 'no listener at all',
    yaml: 'listeners: []',
    at: '1:1',
    path: 'listeners',
    says: /at least 1/,
    cure: /127.0.0.1:8080/,
  },
  {
    mistake: 'a section without content',
    yaml: 'limits:',
    at: '1:1',
    path: 'limits',
    says: /a map .*got nothing/,
    cure: /Limits/,
  },
  { mistake: 'a list for the whole file', yaml: '- listeners', at: '1:1', says: /a map/, cure: /map of sections/ },
  { mistake: 'a text for the whole file', yaml: 'hello', at: '1:1', says: /got "hello"/, cure: /map of sections/ },
  {
    mistake: 'broken indentation',
    yaml: 'log:\n  level: info\n format: text',
    at: '3:1',
    says: /no valid YAML/,
    cure: /Indent with spaces/,
  },
  { mistake: 'a tab', yaml: 'log:\n\tlevel: info', at: '2:1', says: /no valid YAML/, cure: /Indent with spaces/ },
  {
    mistake: 'a half second word',
    yaml: 'plugins: { trusted: { inProcess: true } }',
    at: '1:23',
    path: 'plugins.trusted.inProcess',
    says: /"yes, I know", got true/,
    cure: /inProcess: "yes, I know"/,
  },
  {
    mistake: 'a name with a space',
    yaml: 'servers:\n  "a b": { target: a:1 }',
    at: '2:3',
    path: 'servers."a b"',
    says: /no name/,
    cure: /Rename/,
  },
  {
    mistake: 'a server without target',
    yaml: 'servers: { fraud: {} }',
    at: '1:12',
    path: 'servers.fraud.target',
    says: /is missing/,
    cure: /target: tcp:/,
  },
  {
    mistake: 'a path without its slash',
    yaml: 'metrics: { path: metrics }',
    at: '1:12',
    path: 'metrics.path',
    says: /begins with "\/"/,
    cure: /path: \/metrics/,
  },
  {
    mistake: 'a trace endpoint without scheme',
    yaml: 'tracing: { endpoint: "127.0.0.1:4317" }',
    at: '1:12',
    path: 'tracing.endpoint',
    says: /http or https URL/,
    cure: /http:\/\/127.0.0.1:4317/,
  },
  // Addresses and targets
  {
    mistake: 'an address without a port',
    yaml: 'listeners:\n  - address: localhost',
    at: '2:5',
    path: 'listeners[0].address',
    says: /an address, got "localhost"/,
    cure: /127.0.0.1:8080/,
  },
  {
    mistake: 'a port that is none',
    yaml: 'listeners: [{ address: ":99999" }]',
    at: '1:15',
    path: 'listeners[0].address',
    says: /an address/,
    cure: /host:port/,
  },
  {
    mistake: 'one address twice',
    yaml: 'listeners: [{ address: ":1" }, { address: ":1" }]',
    at: '1:34',
    path: 'listeners[1].address',
    says: /which listeners\[0\] has already/,
    cure: /port of its own/,
  },
  {
    mistake: 'control on the port of a listener',
    yaml: 'control: { address: "127.0.0.1:8080" }',
    at: '1:12',
    path: 'control.address',
    says: /listeners\[0\] has already/,
    cure: /address: listeners/,
  },
  {
    mistake: 'a URL as plugin server',
    yaml: 'servers: { default: { target: "http://h:1" } }',
    at: '1:23',
    path: 'servers.default.target',
    says: /gRPC server, got "http:\/\/h:1"/,
    cure: /tcp:\/\/host:port/,
  },
  {
    mistake: 'xDS',
    yaml: 'servers: { default: { target: "xds:///fraud" } }',
    path: 'servers.default.target',
    says: /xDS, which is not built in/,
    cure: /dns:\/\/\/host:port/,
  },
  {
    mistake: 'a coprocess without port',
    yaml: 'coprocess: { targets: [here] }',
    at: '1:24',
    path: 'coprocess.targets[0]',
    says: /address of a gRPC server/,
    cure: /unix:PATH/,
  },
  {
    mistake: 'an FTP bundle server',
    yaml: 'bundles: { baseUrl: "ftp://h/" }',
    at: '1:12',
    path: 'bundles.baseUrl',
    says: /http, https or file URL/,
    cure: /https:/,
  },
  // Files
  {
    mistake: 'a certificate that is not there',
    yaml: 'listeners:\n  - tls: { cert: no.pem, key: key.pem }',
    at: '2:12',
    path: 'listeners[0].tls.cert',
    says: /no.pem, which does not exist/,
    cure: /relative paths start from/,
  },
  {
    mistake: 'a certificate that is none',
    yaml: 'listeners: [{ tls: { cert: note.txt, key: key.pem } }]',
    at: '1:22',
    path: 'listeners[0].tls.cert',
    says: /no PEM file/,
    cure: /BEGIN/,
  },
  {
    mistake: 'a key of another certificate',
    yaml: 'listeners: [{ tls: { cert: cert.pem, key: other.pem } }]',
    at: '1:15',
    path: 'listeners[0].tls',
    says: /cannot be used/,
    cure: /belong together/,
  },
  {
    mistake: 'a certificate without key',
    yaml: 'servers: { default: { target: a:1, tls: { cert: cert.pem } } }',
    at: '1:36',
    path: 'servers.default.tls',
    says: /has "cert" and no "key"/,
    cure: /go together/,
  },
  {
    mistake: 'TLS versions the wrong way round',
    yaml: 'upstream: { minVersion: TLSv1.3, maxVersion: TLSv1.2 }',
    at: '1:34',
    path: 'upstream.maxVersion',
    says: /older than "minVersion"/,
    cure: /TLSv1.3/,
  },
  {
    mistake: 'a library that is not there',
    yaml: 'javascript: { library: lib.js }',
    at: '1:15',
    path: 'javascript.library',
    says: /lib.js, which does not exist/,
    cure: /Check the path/,
  },
  // Store and secrets
  {
    mistake: 'Redis without an address',
    yaml: 'store: { kind: redis }',
    path: 'store.url',
    says: /is missing/,
    cure: /redis:\/\/127.0.0.1/,
  },
  {
    mistake: 'a URL that is not of Redis',
    yaml: 'store: { kind: redis, url: "http://:secret-1@h" }',
    at: '1:23',
    path: 'store.url',
    says: /no URL of a Redis/,
    cure: /redis:\/\//,
  },
  {
    mistake: 'sentinels without a master',
    yaml: 'store: { kind: redis, mode: sentinel, addresses: ["h:1"] }',
    path: 'store.sentinel',
    says: /is missing/,
    cure: /master/,
  },
  {
    mistake: 'several servers for one',
    yaml: 'store: { kind: redis, addresses: ["a:1", "b:1"] }',
    path: 'store.addresses',
    says: /several servers/,
    cure: /mode: cluster/,
  },
  {
    mistake: 'a variable that is not set',
    yaml: 'control: { secret: env://NOT_SET }',
    at: '1:12',
    path: 'control.secret',
    says: /NOT_SET, which is not set/,
    cure: /Set NOT_SET/,
  },
  {
    mistake: 'a variable where a number must be',
    yaml: 'limits: { hookTimeoutMs: env://LIMIT }',
    at: '1:11',
    path: 'limits.hookTimeoutMs',
    says: /whole number.*got "env:\/\/LIMIT"/,
    cure: /INTERPOSE_LIMITS_HOOK_TIMEOUT_MS/,
  },
  {
    mistake: 'a short secret on all interfaces',
    yaml: 'control: { address: ":8081", secret: secret-1 }',
    at: '1:30',
    path: 'control.secret',
    says: /8 characters.*\[::\]:8081 can be reached/,
    cure: /openssl rand/,
  },
  {
    mistake: 'an empty secret on all interfaces',
    yaml: 'control: { address: ":8081", secret: "" }',
    at: '1:30',
    path: 'control.secret',
    says: /is empty/,
    cure: /127.0.0.1/,
  },
  {
    mistake: 'the sample secret on all interfaces',
    yaml: 'control: { address: ":8081", secret: 352d20ee67be67f6340b4c0605b044b7 }',
    path: 'control.secret',
    says: /everybody knows/,
    cure: /openssl/,
  },
  {
    mistake: 'a weak secret on a listener that all can reach',
    yaml: 'listeners: [{ address: ":80" }]\ncontrol: { address: listeners, secret: secret-1 }',
    at: '2:32',
    path: 'control.secret',
    says: /\[::\]:80 can be reached/,
    cure: /openssl/,
  },
  {
    mistake: 'a head that may take longer than the whole',
    yaml: 'limits: { headersTimeoutMs: 2000, receiveTimeoutMs: 1000 }',
    path: 'limits.headersTimeoutMs',
    says: /more than "receiveTimeoutMs"/,
    cure: /headersTimeoutMs: 1000/,
  },
];

const files = { 'cert.pem': cert, 'key.pem': key, 'other.pem': otherKey, 'note.txt': 'a note' };
const bad = suite('bad configurations');

for (const { mistake, yaml, at, path, says, cure } of table) {
  bad(`${mistake}: the message names place, key and cure`, () =>
    withFiles({ ...files, 'interpose.yaml': yaml }, (folder) => {
      const file = join(folder, 'interpose.yaml');
      const text = complaint(() => loadConfiguration(file, {}));
      const [first = '', second = '', ...more] = text.split('\n');
      assert.equal(more, [], text);
      assert.ok(first.startsWith(at === undefined ? `${file}:` : `${file}:${at}: `), first);
      if (path !== undefined) assert.ok(first.includes(`"${path}" `), first);
      assert.match(first, says);
      assert.match(second, cure);
      assert.not.match(text, /secret-1/);
    }),
  );
}

bad('a file that is not there', () => {
  const text = complaint(() => loadConfiguration('/nowhere/interpose.yaml', {}));
  assert.match(text, /^\/nowhere\/interpose.yaml: there is no such file\n {4}Check the path/);
});

bad('a folder in place of a file', () =>
  withFiles({}, (folder) => {
    assert.match(
      complaint(() => loadConfiguration(folder, {})),
      /this is a folder\n {4}Name the file in it/,
    );
  }),
);

bad('everything that is wrong is said at once, in the order of the file', () =>
  withFiles(
    { 'c.yaml': 'log: { level: loud }\nlimit: {}\nlimits:\n  hookTimeoutMs: 5s\n  maxBodyBytes: 1\n' },
    (folder) => {
      const lines = complaint(() => loadConfiguration(join(folder, 'c.yaml'), {})).match(/c\.yaml:\d+/g);
      assert.equal(lines, ['c.yaml:1', 'c.yaml:2', 'c.yaml:4']);
    },
  ),
);

bad.run();
