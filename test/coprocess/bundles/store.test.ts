import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BundleSpec } from '../../conformance/peers/bundle.ts';
import { folderOf, plain, withStore } from './with-store.ts';

const bundles = suite('bundles');

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => assert.unreachable('it was taken'),
    (error: Error) => error.message,
  ) as Promise<string>;

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const signed = (spec: BundleSpec): BundleSpec => {
  const bytes = Buffer.concat((spec.manifest?.file_list ?? []).map((name) => Buffer.from(spec.files?.[name] ?? '')));
  return { ...spec, extra: { signature: sign('sha256', bytes, keys.privateKey).toString('base64') } };
};

bundles('a bundle is fetched and unpacked once, however many ask', async () => {
  await withStore({ bundles: { 'a.zip': plain } }, async ({ store, folder, asked }) => {
    const all = await Promise.all(Array.from({ length: 500 }, () => store.open('a.zip')));
    assert.is(new Set(all.map((bundle) => bundle.digest)).size, 1);
    assert.equal(all[0]?.customMiddleware, { driver: 'python', pre: [{ name: 'a' }] });
    assert.is(all[0]?.folder, folderOf(folder, 'a.zip'));
    assert.is(await readFile(join(folderOf(folder, 'a.zip'), 'a.py'), 'utf8'), 'print(1)');
    assert.equal(asked, ['/a.zip']);
    assert.equal(await readdir(folder), [folderOf(folder, 'a.zip').split('/').at(-1)]);
  });
});

bundles('the name is joined to the base URL, whose query stays', async () => {
  await withStore({ bundles: { 'teams/one/a.zip': plain } }, async ({ reopen, baseUrl, asked }) => {
    await reopen({ baseUrl: `${baseUrl}teams//x/../one/?token=1` }).open('a.zip');
    assert.equal(asked, ['/teams/one/a.zip?token=1']);
  });
});

bundles('a bundle may lie in a folder', async () => {
  await withStore({ bundles: { 'a.zip': plain } }, async ({ store, folder, reopen, baseUrl }) => {
    await store.open('a.zip');
    await mkdir(join(folder, '../shelf'));
    const archive = Buffer.from(await (await fetch(`${baseUrl}a.zip`)).arrayBuffer());
    await writeFile(join(folder, '../shelf/b c.zip'), archive);
    const shelf = reopen({ baseUrl: `file://${join(folder, '../shelf')}`, insecureSkipVerify: true });
    assert.equal((await shelf.open('b c.zip')).customMiddleware, { driver: 'python', pre: [{ name: 'a' }] });
    assert.match(await failure(shelf.open('none.zip')), /Couldn't fetch bundle/);
  });
});

bundles(
  'what is on disk is used, without a server; a new archive of that name counts after its folder is gone',
  async () => {
    await withStore({ bundles: { 'a.zip': plain } }, async ({ store, folder, reopen, publish, asked }) => {
      const { digest } = await store.open('a.zip');
      await publish('a.zip', { ...plain, files: { 'a.py': 'print(2)' } });
      assert.is((await store.open('a.zip')).digest, digest);
      assert.is((await reopen({ download: false, baseUrl: undefined }).open('a.zip')).digest, digest);
      assert.is(asked.length, 1);
      await rm(folderOf(folder, 'a.zip'), { recursive: true });
      assert.is.not((await store.open('a.zip')).digest, digest);
    });
  },
);

bundles('a folder that an interrupted download left does not count', async () => {
  await withStore({ bundles: { 'a.zip': plain } }, async ({ store, folder }) => {
    await mkdir(folderOf(folder, 'a.zip'), { recursive: true });
    await writeFile(join(folderOf(folder, 'a.zip'), 'a.py'), 'half');
    await store.open('a.zip');
    assert.is(await readFile(join(folderOf(folder, 'a.zip'), 'a.py'), 'utf8'), 'print(1)');
  });
});

bundles('files that were changed on disk are refused; skipVerifyExisting takes them', async () => {
  await withStore({ bundles: { 'a.zip': plain } }, async ({ store, folder, reopen }) => {
    await store.open('a.zip');
    await writeFile(join(folderOf(folder, 'a.zip'), 'a.py'), 'changed');
    assert.match(await failure(store.open('a.zip')), /invalid checksum/);
    assert.match(await failure(reopen().open('a.zip')), /invalid checksum/);
    assert.ok(await reopen({ skipVerifyExisting: true }).open('a.zip'));
  });
});

bundles('an unsigned bundle is refused once there is a key, also when it was unpacked before', async () => {
  await withStore({ bundles: { 'a.zip': plain, 'signed.zip': signed(plain) } }, async ({ store, reopen }) => {
    await store.open('a.zip');
    const strict = reopen({ publicKey });
    assert.match(await failure(strict.open('a.zip')), /Bundle isn't signed/);
    assert.ok(await strict.open('signed.zip'));
    assert.ok(await reopen({ publicKey }).open('signed.zip'));
  });
});

bundles('a signature counts for the files that it was made over', async () => {
  const other = { ...signed(plain), files: { 'a.py': 'print(2)' } };
  await withStore({ bundles: { 'a.zip': other }, options: { publicKey } }, async ({ store, folder }) => {
    assert.match(await failure(store.open('a.zip')), /signature is not one of the configured key/);
    assert.equal(await readdir(folder), []);
  });
});

bundles('a key that is none is refused at start, by name', async () => {
  await withStore({}, async ({ reopen }) => {
    assert.throws(() => reopen({ publicKey: 'no pem' }), /public key for bundles cannot be read/);
    const { publicKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = other.export({ type: 'spki', format: 'pem' }) as string;
    assert.throws(() => reopen({ publicKey: pem }), /type ec; bundles are signed with RSA or Ed25519/);
  });
});

bundles('a list of bundles becomes one: hooks in order, paths in their folders', async () => {
  const one = (driver: string, more: object): BundleSpec => ({
    manifest: { file_list: ['a.js'], custom_middleware: { driver, pre: [{ name: 'a', path: 'a.js' }], ...more } },
    files: { 'a.js': '1' },
  });
  const extractor = { id_extractor: { extract_from: 'header' } };
  const auth = { auth_check: { name: 'c', path: 'a.js' } };
  const listed = { 'x/one.zip': one('otto', auth), 'two.zip': one('otto', extractor), 'lua.zip': one('lua', {}) };
  await withStore({ bundles: listed }, async ({ store, folder }) => {
    const text = ' x/one.zip, two.zip,';
    const { customMiddleware, folder: root } = await store.open(text);
    assert.is(root, folderOf(folder, text));
    assert.equal(customMiddleware, {
      driver: 'otto',
      pre: [
        { name: 'a', path: 'x__one/a.js' },
        { name: 'a', path: 'two/a.js' },
      ],
      auth_check: { name: 'c', path: 'x__one/a.js' },
      ...extractor,
    });
    assert.is(await readFile(join(root, 'x__one/a.js'), 'utf8'), '1');
    assert.match(
      await failure(store.open('two.zip,lua.zip')),
      /lua.zip has the driver "lua", and those before it "otto"/,
    );
    assert.match(await failure(store.open('x/one.zip,x/one.zip')), /second with an auth_check/);
    assert.match(await failure(store.open('two.zip,two.tar')), /share the folder "two"/);
    assert.match(await failure(store.open(' , ')), /no name/);
  });
});

bundles('switches that keep bundles from being fetched say so', async () => {
  await withStore({}, async ({ reopen }) => {
    assert.match(await failure(reopen({ download: false }).open('a.zip')), /Bundle downloader is disabled/);
    assert.match(await failure(reopen({ baseUrl: undefined }).open('a.zip')), /No bundle base URL set/);
    assert.match(await failure(reopen({ unused: true }).open('a.zip')), /management node/);
    assert.match(await failure(reopen({ baseUrl: 'ftp://x/' }).open('a.zip')), /Unknown URL scheme/);
  });
});

bundles.run();
