import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Plan, PlannedStep } from '../../../gateway/index.ts';
import { interpose } from '../../cli/interpose.ts';
import { type TestGateway, withGateway, withUpstream } from '../with-gateway.ts';

const plan = suite('plan of a request');

const plugins = {
  'hooks.ts': `import { auth, accept, pre, post, response } from 'interpose/plugin';
    export const first = pre(() => {});
    export const canary = pre(() => {});
    export const who = auth(() => accept('x'));
    export const last = post({ body: 'text' }, () => {});
    export const out = response(() => {});`,
};

const file = (name: string, extension?: object): object => ({
  name,
  path: 'hooks.ts',
  ...(extension && { interpose: extension }),
});

function guarded(url: string): Record<string, unknown> {
  return {
    use_keyless: false,
    custom_plugin_auth_enabled: true,
    custom_middleware: {
      driver: 'typescript',
      pre: [file('first', { timeoutMs: 70 }), file('canary', { when: { header: { name: 'X-Canary' } } })],
      auth_check: file('who'),
      post: [file('last', { onError: 'continue' })],
      response: [file('out')],
    },
    version_data: {
      not_versioned: true,
      versions: {
        Default: {
          name: 'Default',
          use_extended_paths: true,
          extended_paths: {
            black_list: [{ path: '/blocked', method: '' }],
            ignored: [{ path: '/free', method: '' }],
            method_transforms: [{ path: '/changed', method: 'GET', to_method: 'PUT' }],
          },
        },
      },
    },
    proxy: { target_url: url },
  };
}

async function ask({ control }: TestGateway, query: string): Promise<Plan> {
  const headers = { 'X-Tyk-Authorization': 'a secret of the tests' };
  const response = await fetch(`${control}/tyk/plan?${query}`, { headers });
  assert.is(response.status, 200);
  return (await response.json()) as Plan;
}

const names = (steps: readonly PlannedStep[]): string[] => steps.filter(({ runs }) => runs).map(({ name }) => name);
const named = (steps: readonly PlannedStep[], name: string): PlannedStep =>
  steps.find((step) => step.name === name) as PlannedStep;

async function withGuarded(use: (gateway: TestGateway, url: string) => Promise<void>): Promise<void> {
  await withUpstream(async ({ url, requests }) => {
    await withGateway({ apis: { api: guarded(url) }, plugins }, (gateway) => use(gateway, url));
    assert.is(requests.length, 0);
  });
}

plan('it says which hooks run, where, in which order, with which limits, and why others do not', async () => {
  await withGuarded(async (gateway, url) => {
    const { api, why, steps } = await ask(gateway, 'path=/api/x');
    assert.is(api?.id, 'api');
    assert.match(why, '/api/ is the longest listen path');
    assert.equal(names(steps), ['first', 'who', 'expiry, access rights, rate, quota', 'last', url, 'out']);
    const first = named(steps, 'first').hook;
    assert.equal(first, {
      driver: 'typescript',
      place: "a guest of the API's own",
      path: 'hooks.ts',
      timeoutMs: 70,
      onError: 'reject',
      body: 'none',
      call: 1,
      callTimeoutMs: 70,
    });
    assert.is(named(steps, 'last').hook?.body, 'buffered');
    assert.is(named(steps, 'last').hook?.onError, 'continue');
    assert.match(named(steps, 'canary').why, '"when.header" does not hold');
    const canary = await ask(gateway, 'path=/api/x&header=x-canary: 1');
    assert.is(named(canary.steps, 'canary').runs, true);
    assert.is(named(canary.steps, 'canary').hook?.call, 2);
  });
});

plan('rules of endpoints show, and what a refusal keeps from running', async () => {
  await withGuarded(async (gateway) => {
    const blocked = await ask(gateway, 'path=/api/blocked');
    assert.equal(names(blocked.steps), ['block list']);
    assert.match(named(blocked.steps, 'first').why, 'the step "block list" has refused the request');
    const free = await ask(gateway, 'path=/api/free');
    assert.is(named(free.steps, 'who').runs, false);
    assert.match(named(free.steps, 'who').why, 'the path is free');
    assert.is(named(free.steps, 'last').runs, true);
    const changed = await ask(gateway, 'path=/api/changed');
    assert.match(named(changed.steps, 'method').why, 'it becomes PUT');
    const none = await ask(gateway, 'path=/nowhere');
    assert.is(none.api, undefined);
  });
});

plan('the command asks the gateway that runs, and the files where none does', async () => {
  await withGuarded(async (gateway) => {
    const env = {
      INTERPOSE_DEFINITIONS_FOLDER: `${gateway.folder}/apis`,
      INTERPOSE_CONTROL_ADDRESS: gateway.control.replace('http://', ''),
      INTERPOSE_CONTROL_SECRET: 'a secret of the tests',
    };
    const live = await interpose(['plan', '/api/x', '-H', 'X-Canary: 1'], { env });
    assert.is(live.code, 0, live.stderr);
    assert.match(live.stdout, /runs +pre +canary +typescript hooks\.ts: a guest of the API's own; 5000 ms/);
    assert.match(live.stdout, '(by the gateway that runs)');
    const offline = await interpose(['plan', '/api/x', '--offline', '--json'], { env });
    const { steps } = JSON.parse(offline.stdout) as Plan;
    assert.is(named(steps, 'last').hook?.body, 'not known before its plugins are loaded');
    assert.is((await interpose(['plan', 'x'], { env })).code, 2);
  });
});

plan.run();
