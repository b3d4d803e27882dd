import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { valkey } from '../peers/index.ts';
import { type Difference, differencesOf } from './compare.ts';
import { send } from './peers/client.ts';
import { type FileServer, startFileServer } from './peers/file-server.ts';
import { type PluginServer, startPluginServer } from './peers/plugin-server.ts';
import { redisCommand } from './peers/redis.ts';
import { startUpstream, type Upstream } from './peers/upstream.ts';
import { fileIn, freePort, makeFolder, secret, startProduct } from './product.ts';
import { dig, parsedJson, selected } from './reply-fields.ts';
import { type Case, merge, type Step, type StepRecord, type Suite, substitute, walk, withTimes } from './suite.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the cases' own variables.
/** What every definition starts from, as in the recordings. */
const base = {
  name: '${ID}',
  api_id: '${ID}',
  org_id: 'default',
  use_keyless: true,
  active: true,
  auth: { auth_header_name: 'Authorization' },
  definition: { location: 'header', key: 'x-api-version' },
  version_data: {
    not_versioned: true,
    versions: { Default: { name: 'Default', use_extended_paths: true, extended_paths: {} } },
  },
  proxy: { listen_path: '/${ID}/', target_url: 'http://${UPSTREAM}/', strip_listen_path: true },
};

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: the cases' own variables.

/** A suite whose product and peers are running. */
export interface RunningSuite {
  /** Run a case and compare it with its recording. @throws {Error} when the product has ended. */
  check(one: Case): Promise<Difference[]>;
  /** What the product has printed since the last time somebody asked. */
  printed(): string;
  close(): Promise<void>;
}

export async function startSuite(suite: Suite, split: boolean): Promise<RunningSuite> {
  const upstream = await startUpstream();
  const plugins = await startPluginServer();
  const files = await startFileServer();
  const redis = await valkey();
  const folder = await makeFolder();
  const port = await freePort();
  const world: Record<string, string | number> = {
    GRPC: plugins.port,
    FILES: files.port,
    UPSTREAM: `127.0.0.1:${upstream.port}`,
    GATEWAY: `127.0.0.1:${port}`,
    GRPCHOST: `127.0.0.1:${plugins.port}`,
    SECRET: secret,
    MIDDLEWARE: `${folder}/middleware`,
  };
  for (const one of suite.cases) {
    await writeCase(folder, one, { ...world, ID: one.id });
    await publish(files, one.bundles, { ...world, ID: one.id });
  }
  const peers = { folder, port, pluginPort: plugins.port, filePort: files.port, redisPort: redis.port };
  const product = await startProduct(peers, substitute(suite.config, world), split);
  return {
    check: async (one) => {
      product.assertRunning();
      return checkCase(suite, one, { world, port, redisPort: redis.port, upstream, plugins, files });
    },
    printed: () => product.printed(),
    close: async () => {
      await product.close();
      plugins.close();
      await upstream.close();
      await files.close();
      await redis.close();
    },
  };
}

async function publish(
  files: FileServer,
  bundles: Case['bundles'],
  variables: Record<string, string | number>,
): Promise<void> {
  for (const [name, bundle] of Object.entries(bundles ?? {})) {
    await files.publish(substitute(name, variables), substitute(bundle, variables));
  }
}

async function writeCase(folder: string, one: Case, variables: Record<string, string | number>): Promise<void> {
  const definitions = one.definition === undefined ? (one.definitions ?? {}) : { '': one.definition };
  for (const [suffix, definition] of Object.entries(definitions)) {
    const id = one.id + suffix;
    const whole = substitute(merge(base, definition), { ...variables, ID: id });
    await fileIn(folder, 'apps', `${id}.json`, JSON.stringify(whole));
  }
  if (one.oas !== undefined) {
    await fileIn(folder, 'apps', `${one.id}-oas.json`, JSON.stringify(substitute(one.oas, variables)));
    const twin = merge(base, { is_oas: true, ...one.definition });
    await fileIn(folder, 'apps', `${one.id}.json`, JSON.stringify(substitute(twin, variables)));
  }
  for (const [name, text] of Object.entries(one.apps ?? {})) {
    await fileIn(folder, 'apps', substitute(name, variables), substitute(text, variables));
  }
  for (const [name, text] of Object.entries(one.files ?? {})) {
    await fileIn(folder, 'middleware', substitute(name, variables), substitute(text, variables));
  }
  for (const [id, policy] of Object.entries(one.policies ?? {})) {
    await fileIn(folder, 'policies', `${id}.json`, JSON.stringify(substitute(policy, variables)));
  }
}

interface Peers {
  readonly world: Record<string, string | number>;
  readonly port: number;
  readonly redisPort: number;
  readonly upstream: Upstream;
  readonly plugins: PluginServer;
  readonly files: FileServer;
}

async function checkCase(suite: Suite, one: Case, peers: Peers): Promise<Difference[]> {
  const variables: Record<string, string | number> = { ...peers.world, ID: one.id };
  const captured = new Map<string, string>();
  const found: Difference[] = [];
  for (const [i, step] of one.steps.entries()) {
    const wanted = suite.recorded[one.id]?.[i];
    if (wanted === undefined) throw new Error(`no recording of step ${i} of ${one.id}`);
    const had = await runStep(one, step, variables, captured, peers);
    const ignore = [...(one.ignore ?? []), ...(step.ignore ?? [])];
    for (const difference of differencesOf(step, wanted, had, ignore)) {
      found.push({ ...difference, path: `step ${i}: ${difference.path}` });
    }
  }
  return found;
}

async function runStep(
  one: Case,
  raw: Step,
  variables: Record<string, string | number>,
  captured: Map<string, string>,
  { world, port, redisPort, upstream, plugins, files }: Peers,
): Promise<StepRecord> {
  for (const other of one.steps)
    for (const hook of Object.keys(other.grpc ?? {})) plugins.scripts.delete(substitute(hook, variables));
  for (const [hook, ops] of Object.entries({ ...one.grpc, ...raw.grpc })) {
    plugins.scripts.set(substitute(hook, variables), substitute(ops, variables));
  }
  upstream.take();
  plugins.take();
  upstream.reply = substitute(raw.upstream ?? one.upstream, variables);
  const step = withTimes(substitute(raw, variables));
  const at = Math.floor(Date.now() / 1000);
  if (step.sleep !== undefined) {
    await pause(step.sleep * 1000);
    return step.watch ? (tidy({ upstream: upstream.take() }, world, captured) as StepRecord) : {};
  }
  if (raw.publish !== undefined) {
    await publish(files, raw.publish, variables);
    return {};
  }
  if (step.redis !== undefined) {
    return tidy({ redis: await redisCommand(redisPort, step.redis), at }, world, captured) as StepRecord;
  }
  const record =
    step.control === undefined ? await request(one, step, port, upstream, plugins) : await control(step, port);
  for (const [name, path] of Object.entries(step.capture ?? {})) {
    const value = dig(parsedJson(record.client?.body), path);
    variables[name] = typeof value === 'string' ? value : '';
    if (typeof value === 'string' && value.length > 7) captured.set(value, `\${${name}}`);
  }
  return tidy({ ...record, at }, world, captured) as StepRecord;
}

async function request(
  one: Case,
  step: Step,
  port: number,
  upstream: Upstream,
  plugins: PluginServer,
): Promise<StepRecord> {
  const path = step.absolute ?? `/${one.id}/${(step.path ?? '').replace(/^\/+/, '')}`;
  const client = await send(port, { ...step, path });
  return { client, upstream: upstream.take(), plugin: plugins.take() };
}

async function control(step: Step, port: number): Promise<StepRecord> {
  const [method = 'GET', path = '/'] = (step.control as string).split(' ');
  const headers = { 'X-Tyk-Authorization': secret, 'Content-Type': 'application/json', ...step.headers };
  const { status, body, headers: answered } = await send(port, { ...step, method, path, headers });
  return { client: { status, body: selected(body, step), ...(step.full && { headers: answered }) } };
}

/** Addresses and captured keys under their names, long texts by length and digest: as the recordings have them. */
function tidy(record: unknown, world: Record<string, string | number>, captured: ReadonlyMap<string, string>): unknown {
  return walk(
    record,
    (text) => {
      let shown = text;
      for (const name of ['UPSTREAM', 'GATEWAY', 'GRPCHOST']) {
        shown = shown.replaceAll(String(world[name]), `\${${name}}`);
      }
      for (const [value, name] of captured) shown = shown.replaceAll(value, name);
      return shown;
    },
    shrink,
  );
}

function shrink(text: string): unknown {
  if (text.length <= 20000) return text;
  return { length: [...text].length, md5: createHash('md5').update(text).digest('hex'), starts: text.slice(0, 40) };
}
