import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { resolveConfiguration } from '../gateway/configuration/index.ts';
import { createRouter, type Router } from '../gateway/router.ts';
import { type Running, run } from '../main.ts';

/**
 * What many APIs cost: routing a request among them, loading them, and a reload that changes one.
 * Usage: node --conditions=source bench/routing.ts [APIs, 10000]
 */
const count = Number(process.argv[2] ?? 10_000);

/** Listen paths as companies have them: of a few lengths, below a few teams. */
function listenPath(i: number): string {
  return `/team-${i % 97}/${'service'.slice(0, 3 + (i % 5))}-${i}/`;
}

function perFindUs(router: Router<number>, paths: readonly string[]): number {
  const rounds = 20;
  let found = 0;
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const path of paths) if (router.find('api.example.org:8080', path) !== undefined) found++;
  }
  const spentUs = (performance.now() - began) * 1000;
  if (found !== rounds * paths.length) throw new Error('a path was not found');
  return spentUs / (rounds * paths.length);
}

function routing(): void {
  const indexes = Array.from({ length: count }, (_, i) => i);
  const many = createRouter(indexes.map((entry) => ({ path: listenPath(entry), entry })));
  const one = createRouter([{ path: listenPath(0), entry: 0 }]);
  // Paths as a parser gives them: texts that nobody has looked up before.
  const fresh = (i: number): string => Buffer.from(`${listenPath(i)}orders/${i}?x=1`).toString('latin1');
  const paths = indexes.map(fresh);
  const same = indexes.map(() => fresh(0));
  for (let warm = 0; warm < 3; warm++) {
    perFindUs(many, paths);
    perFindUs(one, same);
  }
  const [manyUs, oneUs] = [perFindUs(many, paths), perFindUs(one, same)];
  console.log(
    `routing: ${manyUs.toFixed(2)} us among ${count} APIs, ${oneUs.toFixed(2)} us with one: ${(manyUs - oneUs).toFixed(2)} us more`,
  );
}

function definition(i: number, stamp = 0): string {
  return JSON.stringify({
    name: `service ${i}`,
    api_id: `service-${i}`,
    org_id: 'bench',
    active: true,
    use_keyless: i % 2 === 0,
    config_data: { stamp },
    custom_middleware: { driver: 'grpc', pre: [{ name: 'pre' }], post: [{ name: 'post' }] },
    version_data: {
      not_versioned: true,
      versions: {
        Default: {
          name: 'Default',
          use_extended_paths: true,
          extended_paths: {
            black_list: [{ path: '/internal/{id}', method: 'GET' }],
            ignored: [{ path: '/health', method: '' }],
          },
        },
      },
    },
    proxy: { listen_path: listenPath(i), target_url: 'http://127.0.0.1:9/', strip_listen_path: true },
  });
}

async function loading(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'routing-'));
  let running: Running | undefined;
  try {
    for (let i = 0; i < count; i++) await writeFile(join(folder, `service-${i}.json`), definition(i));
    const configuration = resolveConfiguration({
      listeners: [{ address: '127.0.0.1:0' }],
      control: { enabled: false },
      definitions: { folder, watch: false },
      servers: { default: { target: '127.0.0.1:9' } },
      log: { level: 'fatal' },
    });
    const startedMs = performance.now();
    running = await run(configuration);
    console.log(`loading: ${Math.round(performance.now() - startedMs)} ms`);
    await reloads(running, folder);
    console.log(`memory: ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`);
  } finally {
    await running?.close();
    await rm(folder, { recursive: true });
  }
}

async function reloads(running: Running, folder: string): Promise<void> {
  // Files that changed a moment ago are read again: see settledAfterMs in gateway/definitions/definition-file.ts.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await running.reload?.();
  for (let i = 1; i <= 3; i++) {
    await writeFile(join(folder, 'service-7.json'), definition(7, i));
    const blocked = new LongestTurn();
    const startedMs = performance.now();
    await running.reload?.();
    const spentMs = Math.round(performance.now() - startedMs);
    console.log(`reload that changes one: ${spentMs} ms, longest turn ${Math.round(blocked.end())} ms`);
  }
}

/** The longest time that the event loop stood still. */
class LongestTurn {
  private longestMs = 0;
  private lastMs = performance.now();
  private timer = setImmediate(() => this.look());

  end(): number {
    this.look();
    clearImmediate(this.timer);
    return this.longestMs;
  }

  private look(): void {
    const nowMs = performance.now();
    this.longestMs = Math.max(this.longestMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.timer = setImmediate(() => this.look());
  }
}

routing();
await loading();
