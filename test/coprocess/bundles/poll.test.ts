import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BundleNews, BundleUser } from '../../../contract/bundle-news.ts';
import {
  type BundleOptions,
  type BundleStore,
  buildBundle,
  createBundleStore,
} from '../../../coprocess/bundles/index.ts';
import { type BundleSpec, bundleBytes } from '../../conformance/peers/bundle.ts';
import { type BundleServer, withBundleServer } from './bundle-server.ts';
import { folderOf } from './with-store.ts';

const polls = suite('polled bundles');

const plain = (text: string): BundleSpec => ({
  manifest: { file_list: ['a.py'], custom_middleware: { driver: 'python', pre: [{ name: 'a' }] } },
  files: { 'a.py': text },
});

const broken: BundleSpec = { ...plain('broken'), checksum: 'beef' };

interface Parts {
  readonly server: BundleServer;
  readonly folder: string;
  readonly root: string;
  /** A store over the folder, as of a process that begins now. */
  readonly begin: (options?: Partial<BundleOptions>) => BundleStore;
  readonly logged: string[];
}

async function withPolls(
  bundles: Readonly<Record<string, BundleSpec>>,
  use: (parts: Parts) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'interpose-polls-'));
  const folder = join(root, 'bundles');
  const logged: string[] = [];
  await withBundleServer(async (server) => {
    for (const [name, bundle] of Object.entries(bundles)) await server.publish(name, bundle);
    const begun: BundleStore[] = [];
    const begin = (options: Partial<BundleOptions> = {}): BundleStore => {
      const store = createBundleStore({
        download: true,
        baseUrl: server.baseUrl,
        insecureSkipVerify: false,
        folder,
        publicKey: undefined,
        skipVerifyExisting: false,
        maxBytes: 1_000_000,
        timeoutMs: 500,
        firstRetryMs: 1,
        pollMs: 15,
        log: (_, message) => void logged.push(message),
        ...options,
      });
      begun.push(store);
      return store;
    };
    await use({ server, folder, root, begin, logged });
    for (const store of begun) store.close();
  });
  await rm(root, { recursive: true });
}

/** Somebody who uses bundles, and waits for news. */
interface Listener {
  readonly user: BundleUser;
  readonly news: BundleNews[];
  /** The next news that come, or have come and were not asked for yet. */
  readonly next: () => Promise<BundleNews>;
}

function listen(store: BundleStore, ...bundles: string[]): Listener {
  const news: BundleNews[] = [];
  const unread: BundleNews[] = [];
  let wake: (() => void) | undefined;
  const user = store.watch((one) => {
    news.push(one);
    unread.push(one);
    wake?.();
  });
  user.use(bundles);
  const next = async (): Promise<BundleNews> => {
    while (unread.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return unread.shift() as BundleNews;
  };
  return { user, news, next };
}

/** Takes the offer that comes next. */
async function take({ user, next }: Listener): Promise<string> {
  const { bundle, offer } = await next();
  const digest = offer?.digest as string;
  user.judge({ bundle, digest });
  assert.is((await next()).offer?.digest, digest, 'it counts now');
  return digest;
}

polls('a server without validators is compared by what it sends; one with them sends nothing again', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ server, begin }) => {
    server.hasValidators = false;
    const store = begin();
    await store.open('a.zip');
    const listener = listen(store, 'a.zip');
    await server.asked(3);
    assert.is(listener.news.length, 0);
    assert.ok(server.answered.every(({ status, isConditional }) => status === 200 && !isConditional));
    await server.publish('a.zip', plain('2'));
    assert.is(await take(listener), (await store.open('a.zip')).digest);
    server.hasValidators = true;
    await server.asked(2);
    const before = server.answered.length;
    await server.asked(3);
    assert.ok(server.answered.slice(before).every(({ bytes }) => bytes === 0));
  });
});

polls('a restart asks with what was seen, downloads nothing, and knows what was refused', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ server, begin, logged }) => {
    const first = begin();
    const { digest } = await first.open('a.zip');
    const listener = listen(first, 'a.zip');
    await server.publish('a.zip', broken);
    assert.match((await listener.next()).problem ?? '', /invalid checksum/);
    await server.asked(3);
    assert.is(logged.filter((line) => /invalid checksum/.test(line)).length, 1);
    first.close();
    const before = server.answered.length;
    const second = begin();
    assert.is((await second.open('a.zip')).digest, digest);
    const again = listen(second, 'a.zip');
    assert.match((await again.next()).problem ?? '', /invalid checksum/);
    await server.asked(2);
    assert.ok(server.answered.slice(before).every(({ status, isConditional }) => status === 304 && isConditional));
    await server.publish('a.zip', plain('1'));
    assert.equal(await again.next(), { bundle: 'a.zip' }, 'what it was before is good');
    second.close();
    server.trouble = 'dies';
    assert.is((await begin().open('a.zip')).digest, digest);
  });
});

polls('trouble is told of once, and its end', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ server, begin, logged }) => {
    const store = begin();
    await store.open('a.zip');
    const { next, news } = listen(store, 'a.zip');
    server.trouble = 500;
    assert.match((await next()).problem ?? '', /status code 500/);
    await server.asked(3);
    assert.is(news.length, 1);
    server.trouble = undefined;
    assert.equal(await next(), { bundle: 'a.zip' });
    assert.is(logged.filter((line) => /status code 500/.test(line)).length, 1);
  });
});

polls('a folder is polled as well, by what its files look like', async () => {
  await withPolls({}, async ({ root, begin }) => {
    const file = join(root, 'shelf', 'a.zip');
    await mkdir(join(root, 'shelf'));
    await writeFile(file, await bundleBytes(plain('1')));
    const store = begin({ baseUrl: `file://${join(root, 'shelf')}` });
    await store.open('a.zip');
    const listener = listen(store, 'a.zip');
    await utimes(file, 1, 1);
    await writeFile(file, await bundleBytes(plain('2')));
    const digest = await take(listener);
    assert.is((await store.open('a.zip')).digest, digest);
    await rm(file);
    assert.match((await listener.next()).problem ?? '', /ENOENT/);
    assert.is((await store.open('a.zip')).digest, digest);
  });
});

polls('a new one counts when all users have taken it; when one refuses it, the others are told to return', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ server, begin, folder }) => {
    const store = begin();
    const old = await store.open('a.zip');
    store.hold(old.folder);
    const [one, two] = [listen(store, 'a.zip'), listen(store, 'a.zip')];
    await server.publish('a.zip', plain('2'));
    const second = (await one.next()).offer?.digest as string;
    assert.is((await two.next()).offer?.digest, second);
    one.user.judge({ bundle: 'a.zip', digest: second });
    assert.is((await store.open('a.zip')).digest, old.digest);
    two.user.judge({ bundle: 'a.zip', digest: second, refused: 'not here' });
    assert.equal(await two.next(), { bundle: 'a.zip', problem: 'not here' });
    assert.equal(await one.next(), { bundle: 'a.zip', problem: 'not here' });
    assert.is((await one.next()).offer?.digest, old.digest);
    assert.is((await store.open('a.zip', second)).digest, second, 'it can be had where others agree on it');

    await server.publish('a.zip', plain('3'));
    const third = (await one.next()).offer?.digest as string;
    await two.next();
    one.user.judge({ bundle: 'a.zip', digest: third });
    // Who goes has no say any more.
    two.user.close();
    assert.equal(await one.next(), { bundle: 'a.zip' });
    await one.next();
    const current = await store.open('a.zip');
    assert.is(current.digest, third);
    const id = basename(folderOf(folder, 'a.zip'));
    assert.equal((await readdir(folder)).sort(), [id, basename(current.folder), `${id}.json`].sort());
    store.release(old.folder);
    while ((await readdir(folder)).length > 2) await new Promise((resolve) => setImmediate(resolve));
    assert.is(await readFile(join(current.folder, 'a.py'), 'utf8'), '3');
  });
});

polls('what comes while nobody uses it, or everybody has gone, is offered to the next', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ server, begin }) => {
    const store = begin();
    await store.open('a.zip');
    const one = listen(store, 'a.zip');
    await server.publish('a.zip', plain('2'));
    const { offer } = await one.next();
    one.user.close();
    const two = listen(store, 'a.zip');
    assert.equal((await two.next()).offer, offer);
  });
});

polls('a revision that another coprocess has found is fetched at once', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ server, begin, root }) => {
    const other = begin({ folder: join(root, 'other'), pollMs: 1_000_000 });
    const old = await other.open('a.zip');
    const listener = listen(other, 'a.zip');
    await server.publish('a.zip', plain('2'));
    const { digest } = await begin().open('a.zip');
    assert.is((await other.open('a.zip', digest)).digest, digest);
    assert.is((await other.open('a.zip')).digest, old.digest, 'it does not count before it was tried');
    assert.is(await take(listener), digest);
    server.trouble = 'dies';
    await other.open('a.zip', 'none');
    // Who asks for what there is not is told what there is.
    while ((await listener.next()).settled !== true);
  });
});

polls('of a list, one bundle changes; the others are as they were', async () => {
  const list = { 'a.zip': plain('a1'), 'b.zip': plain('b1') };
  await withPolls(list, async ({ server, begin }) => {
    const store = begin();
    await store.open('a.zip,b.zip');
    const listener = listen(store, 'a.zip,b.zip');
    await server.publish('b.zip', plain('b2'));
    await take(listener);
    const { folder } = await store.open('a.zip,b.zip');
    const texts = await Promise.all(['a/a.py', 'b/a.py'].map((file) => readFile(join(folder, file), 'utf8')));
    assert.equal(texts, ['a1', 'b2']);
    assert.is(server.answered.filter(({ name, status }) => name === 'a.zip' && status === 200).length, 1);
    await server.publish('a.zip', broken);
    assert.match((await listener.next()).problem ?? '', /invalid checksum/);
    await server.publish('b.zip', plain('b3'));
    await server.asked(4);
    assert.is((await store.open('a.zip,b.zip')).folder, folder, 'a list is taken whole or not at all');
    await server.publish('a.zip', plain('a3'));
    while ((await listener.next()).offer === undefined);
    const { offer } = listener.news.at(-1) as BundleNews;
    listener.user.judge({ bundle: 'a.zip,b.zip', digest: offer?.digest as string });
    while ((await store.open('a.zip,b.zip')).digest !== offer?.digest);
    const after = await store.open('a.zip,b.zip');
    assert.is(await readFile(join(after.folder, 'b/a.py'), 'utf8'), 'b3');
  });
});

polls('what a killed process left never counts', async () => {
  await withPolls({ 'a.zip': plain('1') }, async ({ begin, folder, server }) => {
    const { digest } = await begin({ pollMs: 0 }).open('a.zip');
    const id = basename(folderOf(folder, 'a.zip'));
    const left = [`.${id}-dead`, `${id}-dead`];
    for (const name of left) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'manifest.json'), '{}');
      await utimes(join(folder, name), 1, 1);
    }
    await writeFile(join(folder, `${id}.json`), '{"current":"../../etc","others":[],"seen":{}}');
    const store = begin();
    assert.is((await store.open('a.zip')).digest, digest);
    listen(store, 'a.zip');
    await server.asked(1);
    assert.ok((await readdir(folder)).every((name) => !left.includes(name)));
  });
});

polls('signature and release are asked of a new one as of the first; other keys try it again', async () => {
  const [good, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;
  await withPolls({}, async ({ server, begin, root }) => {
    const build = async (key: KeyObject, release: number): Promise<Buffer> => {
      const folder = join(root, 'source');
      await mkdir(folder, { recursive: true });
      const manifestFile = join(folder, 'manifest.json');
      await writeFile(manifestFile, JSON.stringify(plain('').manifest));
      await writeFile(join(folder, 'a.py'), `${release}`);
      const private_ = key.export({ type: 'pkcs8', format: 'pem' }) as string;
      const output = join(root, 'built.zip');
      await buildBundle({ folder, manifestFile, output, key: private_, name: 'orders', release });
      return readFile(output);
    };
    await server.publish('a.zip', await build(good.privateKey, 2));
    const store = begin({ publicKey: pem(good.publicKey) });
    const { digest } = await store.open('a.zip');
    const listener = listen(store, 'a.zip');
    await server.publish('a.zip', plain('unsigned'));
    assert.match((await listener.next()).problem ?? '', /isn't signed/);
    await server.publish('a.zip', await build(good.privateKey, 1));
    assert.match((await listener.next()).problem ?? '', /release 1 of "orders", and release 2 was here before/);
    await server.publish('a.zip', await build(other.privateKey, 3));
    assert.match((await listener.next()).problem ?? '', /by none of the configured keys/);
    assert.is((await store.open('a.zip')).digest, digest);
    store.close();
    const next = begin({ publicKey: `${pem(good.publicKey)}${pem(other.publicKey)}` });
    await next.open('a.zip');
    assert.is.not(await take(listen(next, 'a.zip')), digest);
  });
});

polls.run();
