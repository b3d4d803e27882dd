import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { addressText } from '../address.ts';
import type { Address, Bundles, Compatibility, Configuration, Limits, Listener, Tracing } from '../configuration.ts';
import type { Path } from '../problem.ts';
import type { CheckedConfiguration } from '../schema/index.ts';
import { absolute, address, type Context, orInfinity, refuse } from './context.ts';
import { resolveControl } from './control.ts';
import { resolveStore } from './store.ts';
import { resolveCoprocess, resolveServers } from './targets.ts';
import { checkVersions, readPem, resolveClientTls, resolveListenerTls } from './tls.ts';

/** Without a tyk.conf everything can be used. */
const native: Compatibility = {
  tykConf: false,
  coprocessEnabled: true,
  jsvmEnabled: true,
  virtualBlobs: true,
  defaultServerProblem: undefined,
  managementNode: false,
};

/** From what the schema let through to what the process runs by. Problems and warnings go to the context. */
export function resolveChecked(context: Context, checked: CheckedConfiguration): Configuration {
  const listeners = checked.listeners.map((listener, i): Listener => {
    const path = ['listeners', i];
    return {
      address: address(context, [...path, 'address'], listener.address),
      tls: resolveListenerTls(context, [...path, 'tls'], listener.tls),
      http2: listener.http2,
      keepAlive: listener.keepAlive,
    };
  });
  const control = resolveControl(
    context,
    checked,
    listeners.map((listener) => listener.address),
  );
  checkAddresses(context, listeners, control.enabled ? control.address : undefined);
  checkVersions(context, ['upstream'], checked.upstream);
  if (checked.javascript.library !== undefined)
    mustExist(context, ['javascript', 'library'], checked.javascript.library);
  if (checked.analytics.enabled) checkAnalytics(context, checked);
  if (checked.errors.templates !== undefined) mustExist(context, ['errors', 'templates'], checked.errors.templates);
  const { definitions, policies, plugins, keys, routing, metrics, log, contract, guests, typescript } = checked;
  return {
    source: context.source,
    warnings: context.warnings,
    listeners,
    control,
    definitions: { ...definitions, folder: absolute(context, definitions.folder) },
    policies: { path: absolute(context, policies.file ?? policies.folder) },
    plugins: {
      folders: [absolute(context, plugins.folder)],
      trustedInProcess: plugins.trusted.inProcess !== undefined,
      authMayContinue: plugins.trusted.authContinue !== undefined,
    },
    bundles: resolveBundles(context, checked),
    coprocess: resolveCoprocess(context, checked),
    servers: resolveServers(context, checked),
    store: resolveStore(context, checked.store),
    keys: { ...keys, hashFunction: keys.hashFunction },
    routing: { ...routing, hostname: routing.hostname },
    upstream: {
      ...checked.upstream,
      ciphers: checked.upstream.ciphers,
      ca: readPem(context, ['upstream', 'ca'], checked.upstream.ca),
    },
    tracing: resolveTracing(context, checked),
    metrics,
    analytics: { ...checked.analytics, expireMs: orInfinity(checked.analytics.expireMs) },
    log,
    limits: resolveLimits(context, checked.limits),
    errors: {
      precise: checked.errors.precise,
      hideGenerator: checked.errors.hideGenerator,
      messages: Object.fromEntries(
        Object.entries(checked.errors.messages).map(([id, { status, message }]) => [id, { status, message }]),
      ),
      templates: absolute(context, checked.errors.templates),
    },
    contract,
    guests,
    javascript: {
      ...checked.javascript,
      timeoutMs: checked.javascript.timeoutMs ?? checked.limits.hookTimeoutMs,
      processes: checked.javascript.processes ?? availableParallelism(),
      library: absolute(context, checked.javascript.library),
    },
    typescript,
    python: {
      ...checked.python,
      interpreter: program(context, checked.python.interpreter),
      version: checked.python.version,
      environments: resolveEnvironments(context, checked),
      path: checked.python.path.map((folder) => absolute(context, folder)),
    },
    lua: { ...checked.lua, interpreter: program(context, checked.lua.interpreter) },
    compatibility: native,
  };
}

function checkAnalytics(context: Context, { analytics, store }: CheckedConfiguration): void {
  if (store.kind !== 'redis') {
    const cure = 'For example: store: { kind: redis, url: redis://127.0.0.1:6379 }; or leave analytics off.';
    refuse(context, ['analytics', 'enabled'], 'needs a Redis for its records, and "store.kind" is memory', cure);
  }
  if (analytics.serializer !== 'msgpack') {
    const cure = 'Write msgpack: tyk-pump reads both.';
    refuse(context, ['analytics', 'serializer'], `asks for ${analytics.serializer}, which is not built in`, cure);
  }
}

function resolveBundles(context: Context, { bundles }: CheckedConfiguration): Bundles {
  if (bundles.baseUrl !== undefined && !/^(https?:\/\/.|file:\/\/)/.test(bundles.baseUrl)) {
    const cure = 'For example: baseUrl: https://bundles.example.org/';
    refuse(
      context,
      ['bundles', 'baseUrl'],
      `must be an http, https or file URL, got ${JSON.stringify(bundles.baseUrl)}`,
      cure,
    );
  }
  return {
    ...bundles,
    baseUrl: bundles.baseUrl,
    publicKey: readPem(context, ['bundles', 'publicKey'], bundles.publicKey),
    folder: absolute(context, bundles.folder),
  };
}

function resolveTracing(context: Context, { tracing }: CheckedConfiguration): Tracing | undefined {
  if (tracing === undefined) return undefined;
  return { ...tracing, tls: resolveClientTls(context, ['tracing', 'tls'], tracing.tls) };
}

function resolveLimits(context: Context, limits: CheckedConfiguration['limits']): Limits {
  const receiveTimeoutMs = orInfinity(limits.receiveTimeoutMs);
  if (limits.headersTimeoutMs > receiveTimeoutMs) {
    const message = `is more than "receiveTimeoutMs" (${receiveTimeoutMs}), which it is a part of`;
    refuse(context, ['limits', 'headersTimeoutMs'], message, `For example: headersTimeoutMs: ${receiveTimeoutMs}`);
  }
  return {
    ...limits,
    receiveTimeoutMs,
    idleTimeoutMs: orInfinity(limits.idleTimeoutMs),
    maxRequestBodyBytes: orInfinity(limits.maxRequestBodyBytes),
    maxResponseBodyBytes: orInfinity(limits.maxResponseBodyBytes),
  };
}

/** Two doors at one place: the second could not be opened. Port 0 is a free one each time. */
function checkAddresses(context: Context, listeners: readonly Listener[], control: Address | undefined): void {
  const taken = new Map<string, string>();
  const take = (path: Path, name: string, one: Address): void => {
    const text = addressText(one);
    const other = taken.get(text);
    if (one.kind === 'tcp' && one.port === 0) return;
    if (other === undefined) taken.set(text, name);
    else
      refuse(
        context,
        path,
        `is ${text}, which ${other} has already`,
        'Give each a port of its own, or "control: { address: listeners }" to share one.',
      );
  };
  listeners.forEach((listener, i) => {
    take(['listeners', i, 'address'], `listeners[${i}]`, listener.address);
  });
  if (control !== undefined) take(['control', 'address'], 'the control API', control);
}

function mustExist(context: Context, path: Path, name: string): void {
  const file = absolute(context, name);
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return;
  refuse(
    context,
    path,
    `names ${file}, which does not exist`,
    `Check the path; relative ones start from ${context.folder}.`,
  );
}

/** A name without a slash is looked up on PATH when it is run. */
function resolveEnvironments(context: Context, { python }: CheckedConfiguration): Record<string, string> {
  return Object.fromEntries(
    Object.entries(python.environments).map(([name, { interpreter, venv }]) => {
      if ((interpreter === undefined) === (venv === undefined)) {
        const cure = 'For example: { venv: /opt/ml } or { interpreter: /usr/bin/python3.9 }';
        refuse(context, ['python', 'environments', name], 'must have either interpreter or venv', cure);
      }
      return [
        name,
        venv === undefined ? program(context, interpreter ?? '') : absolute(context, join(venv, 'bin/python')),
      ];
    }),
  );
}

function program(context: Context, name: string): string {
  return name.includes('/') ? absolute(context, name) : name;
}
