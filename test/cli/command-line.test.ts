import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withFiles } from '../gateway/configuration/files.ts';
import { interpose } from './interpose.ts';

const commandLine = suite('command line');

commandLine('--help teaches: every verb, examples, exit codes', async () => {
  const { code, stdout } = await interpose(['--help']);
  assert.is(code, 0);
  for (const verb of ['run', 'gateway', 'coprocess', 'validate', 'migrate'])
    assert.match(stdout, new RegExp(`^ {2}${verb} `, 'm'));
  assert.match(stdout, /interpose run --tyk-conf/);
  assert.match(stdout, /Exit codes: 0 .* 1 .* 2 /);
});

for (const verb of ['run', 'gateway', 'coprocess', 'validate', 'migrate']) {
  commandLine(`${verb} --help has examples of its own`, async () => {
    const { code, stdout } = await interpose([verb, '--help']);
    assert.is(code, 0);
    assert.match(stdout, new RegExp(`Examples?:\\n {2}interpose ${verb}`));
  });
}

commandLine('--version is that of the package', async () => {
  const { code, stdout } = await interpose(['--version']);
  assert.is(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a misspelt verb', ['rnu'], /unknown command 'rnu'\n.*Did you mean run\?/],
  ['no verb', [], /Usage: interpose VERB/],
  ['a misspelt option', ['run', '--tykconf', 'f'], /unknown option '--tykconf'\n.*Did you mean --tyk-conf\?/],
  ['an option without its value', ['run', '--config'], /'-c, --config <file>' argument missing/],
  ['two configurations', ['run', '-c', 'a', '-t', 'b'], /give one of --config and --tyk-conf/],
  ['a word too many', ['run', 'fast'], /"fast" has no place here; a configuration is given with --config FILE/],
  ['a gateway without coprocess', ['gateway'], /the gateway needs a coprocess\.\n.*--coprocess/],
  [
    'an address that is none',
    ['coprocess', '--listen', 'here'],
    /option --listen: "coprocess.listen" must be an address, got "here"/,
  ],
  [
    'a target that is none',
    ['gateway', '--coprocess', 'here'],
    /option --coprocess: "coprocess.targets\[0\]" must be the address of a gRPC/,
  ],
  ['a file that is not there', ['run', '--config', 'no.yaml'], /no.yaml: there is no such file\n.*Check the path/],
  ['a tyk.conf that is not there', ['run', '--tyk-conf', 'no.conf'], /no.conf: there is no such file/],
  ['a migration of nothing', ['migrate', 'no.conf'], /no.conf: there is no such file/],
];

for (const [what, words, says] of wrong) {
  commandLine(`${what}: one block on stderr, no stack, exit code 2`, () =>
    withFiles({}, async (cwd) => {
      const { code, stdout, stderr } = await interpose(words, { cwd });
      assert.is(code, 2, stderr);
      assert.is(stdout, '');
      assert.match(stderr, says);
      assert.not.match(stderr, /^\s+at /m);
    }),
  );
}

commandLine('a wrong configuration is told whole, and nothing is started', () =>
  withFiles({ 'interpose.yaml': 'limits:\n  hookTimeout: 5\nlog: { level: loud }\n' }, async (cwd) => {
    const { code, stdout, stderr } = await interpose(['run'], { cwd });
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(
      stderr,
      /^interpose: the configuration has 2 problems; nothing was started\.\ninterpose\.yaml:2:3: "limits/,
    );
    assert.match(stderr, /interpose\.yaml:3:8: "log.level"/);
  }),
);

commandLine('a file that is no YAML: line and column', () =>
  withFiles({ 'interpose.yaml': 'listeners: [\n' }, async (cwd) => {
    const { code, stderr } = await interpose(['run'], { cwd });
    assert.is(code, 2);
    assert.match(stderr, /interpose\.yaml:\d:\d+: this is no valid YAML/);
  }),
);

commandLine('the configuration may be named by the environment, and the command line comes before it', () =>
  withFiles(
    { 'a.yaml': 'log: { level: loud }', 'b.conf': '{"listen_address": "127.0.0.1"}', 'apps/.keep': '' },
    async (cwd) => {
      const env = { INTERPOSE_CONFIG: join(cwd, 'a.yaml') };
      assert.match((await interpose(['validate'], { cwd, env })).stderr, /a\.yaml:1:8/);
      assert.match((await interpose(['validate', '-t', 'b.conf'], { cwd, env })).stdout, /^b\.conf: 0 APIs/m);
    },
  ),
);

commandLine('an address that is taken: what and why, exit code 1', () =>
  withFiles({ 'apis/.keep': '', 'interpose.yaml': 'control: { enabled: false }' }, async (cwd) => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const env = { INTERPOSE_LISTENERS_0_ADDRESS: `127.0.0.1:${port}` };
    const { code, stderr } = await interpose(['run'], { cwd, env });
    server.close();
    assert.is(code, 1);
    assert.match(stderr, new RegExp(`EADDRINUSE.*127\\.0\\.0\\.1:${port}\\n.*Another process listens there`));
    assert.not.match(stderr, /^\s+at /m);
  }),
);

commandLine.run();
