import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  loadConfiguration,
  resolveConfiguration,
  type UserConfiguration,
} from '../../../gateway/configuration/index.ts';
import { complaint, withFiles } from './files.ts';

const environment = suite('configuration by environment');

const resolved = (variables: Record<string, string>, user: UserConfiguration = {}) =>
  resolveConfiguration(user, { environment: variables });

environment('a variable is the path of its key, in capitals', () => {
  assert.is(resolved({ INTERPOSE_LIMITS_HOOK_TIMEOUT_MS: '70' }).limits.hookTimeoutMs, 70);
  assert.is(resolved({ INTERPOSE_CONTRACT_KEEP_HEADER_CASE: 'true' }).contract.keepHeaderCase, true);
  assert.is(resolved({ INTERPOSE_LOG_LEVEL: 'debug' }).log.level, 'debug');
  assert.is(resolved({ INTERPOSE_TRACING_RATIO: '0.25' }).tracing?.ratio, 0.25);
  assert.is(resolved({ INTERPOSE_ROUTING_FORWARDED_FOR: '2' }).routing.forwardedFor, 2);
  assert.is(resolved({ INTERPOSE_ROUTING_FORWARDED_FOR: 'first' }).routing.forwardedFor, 'first');
  assert.is(resolved({ INTERPOSE_PYTHON_VERSION: '3.11' }).python.version, '3.11');
});

environment('it comes before the file', () =>
  withFiles({ 'c.yaml': 'log: { level: warn, format: text }' }, (folder) => {
    const { log } = loadConfiguration(join(folder, 'c.yaml'), { INTERPOSE_LOG_LEVEL: 'error' });
    assert.equal([log.level, log.format], ['error', 'text']);
  }),
);

environment('an entry of a list has its number', () => {
  const variables = { INTERPOSE_LISTENERS_0_ADDRESS: ':1', INTERPOSE_LISTENERS_1_ADDRESS: '127.0.0.1:2' };
  assert.equal(
    resolved(variables).listeners.map(({ address }) => address.kind === 'tcp' && address.port),
    [1, 2],
  );
});

environment('a list of texts is separated by commas', () => {
  const variables = { INTERPOSE_COPROCESS_TARGETS: 'unix:/a, h:2', INTERPOSE_DEFINITIONS_IGNORE_FEATURES: 'jwt' };
  const { coprocess, definitions } = resolved(variables);
  assert.equal(coprocess.targets, ['unix:/a', 'h:2']);
  assert.equal(definitions.ignoreFeatures, ['jwt']);
});

environment('a plugin server can be named, and one of the file can be changed', () => {
  const variables = {
    INTERPOSE_SERVERS_FRAUD_CHECK_TARGET: 'h:1',
    INTERPOSE_SERVERS_FRAUD_CHECK_TIMEOUT_MS: '9',
    INTERPOSE_SERVERS_MAIN_SERVER_TLS_INSECURE_SKIP_VERIFY: 'true',
  };
  const { servers } = resolved(variables, { servers: { mainServer: { target: 'h:2' } } });
  assert.equal(Object.keys(servers).length, 2);
  assert.is(servers.mainServer?.tls?.insecureSkipVerify, true);
  assert.is(servers['fraud-check']?.timeoutMs, 9);
});

environment('a whole section can be given as JSON, and single keys over it', () => {
  const variables = {
    INTERPOSE_SERVERS: '{"default": {"target": "h:1", "timeoutMs": 5}}',
    INTERPOSE_SERVERS_DEFAULT_TIMEOUT_MS: '6',
  };
  assert.is(resolved(variables).servers.default?.timeoutMs, 6);
});

environment('headers of exports keep their dashes', () => {
  const { tracing } = resolved({ INTERPOSE_TRACING_HEADERS_X_API_KEY: 'k' });
  assert.equal(tracing?.headers, { 'x-api-key': 'k' });
});

environment('an empty variable is as good as none', () => {
  assert.is(resolved({ INTERPOSE_LOG_LEVEL: '' }).log.level, 'info');
});

environment('a wrong value is said to come from its variable', () => {
  const text = complaint(() => resolved({ INTERPOSE_LIMITS_HOOK_TIMEOUT_MS: 'soon' }));
  assert.match(text, /^environment variable INTERPOSE_LIMITS_HOOK_TIMEOUT_MS: "limits.hookTimeoutMs" must be a whole/);
});

environment('a name that leads nowhere is refused, with the right one', () => {
  const text = complaint(() => resolved({ INTERPOSE_LIMITS_HOOKTIMEOUT: '5' }));
  assert.match(text, /INTERPOSE_LIMITS_HOOKTIMEOUT: it sets nothing/);
  assert.match(text, /Did you mean INTERPOSE_LIMITS_HOOK_TIMEOUT_MS\?/);
});

environment('a misspelt section is warned of, and a variable that holds a secret is not', () => {
  const variables = { INTERPOSE_LIMIT_HOOK_TIMEOUT_MS: '5', INTERPOSE_SECRET: 'a-secret-of-some-length' };
  const { warnings } = resolved(variables, { control: { secret: 'env://INTERPOSE_SECRET' } });
  assert.is(warnings.length, 1);
  assert.match(warnings[0] as string, /INTERPOSE_LIMIT_HOOK_TIMEOUT_MS sets nothing; was INTERPOSE_LIMITS_HOOK/);
});

environment('env:// stands for a variable in any text', () => {
  const user: UserConfiguration = {
    definitions: { secrets: { token: 'env://TOKEN' } },
    servers: { default: { target: 'env://TARGET' } },
    tracing: { headers: { 'x-key': 'env://TOKEN' } },
  };
  const { definitions, servers, tracing } = resolved({ TOKEN: 't', TARGET: 'h:1' }, user);
  assert.equal([definitions.secrets.token, servers.default?.target, tracing?.headers['x-key']], ['t', 'h:1', 't']);
});

environment('env:// works in a variable, too', () => {
  const variables = { INTERPOSE_CONTROL_SECRET: 'env://FROM_VAULT', FROM_VAULT: 'a-secret-of-some-length' };
  assert.is(resolved(variables).control.secret, 'a-secret-of-some-length');
});

environment('what a variable of a secret holds is never shown', () => {
  const text = complaint(() => resolved({ WORD: 'swordfish' }, { store: { kind: 'redis', url: 'env://WORD' } }));
  assert.match(text, /"store.url"/);
  assert.not.match(text, /swordfish/);
});

environment.run();
