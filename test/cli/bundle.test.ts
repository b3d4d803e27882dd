import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { interpose, withServing } from './interpose.ts';

const bundle = suite('interpose bundle');

const manifest = { file_list: ['a.py'], custom_middleware: { driver: 'python', pre: [{ name: 'a' }] } };
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

async function inFolder(use: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'interpose-cli-'));
  await writeFile(join(cwd, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(cwd, 'a.py'), 'print(1)\n');
  await writeFile(join(cwd, 'private.pem'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  await writeFile(join(cwd, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  try {
    await use(cwd);
  } finally {
    await rm(cwd, { recursive: true });
  }
}

bundle('build writes a bundle, and says what it does', async () => {
  await inFolder(async (cwd) => {
    const { code, stdout, stderr } = await interpose(['bundle', 'build', '-y'], { cwd });
    assert.equal([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^Building bundle using 'manifest.json'\n.*bundle.zip'\nThe bundle will be unsigned\nWrote 'bundle.zip' \(\d+ bytes\)\n$/,
    );
  });
});

bundle('without a key, -y and a terminal nothing is built', async () => {
  await inFolder(async (cwd) => {
    const { code, stderr } = await interpose(['bundle', 'build'], { cwd });
    assert.is(code, 1);
    assert.match(stderr, /give --key, or -y for an unsigned bundle/);
  });
});

bundle('verify and inspect show what build signed', async () => {
  await inFolder(async (cwd) => {
    const words = ['bundle', 'build', '-k', 'private.pem', '-o', 'b.zip', '--name', 'orders', '--release', '7'];
    assert.match((await interpose(words, { cwd })).stdout, /Signing bundle with key 'private.pem'/);
    const verified = await interpose(['bundle', 'verify', 'b.zip', '-k', 'public.pem'], { cwd });
    assert.match(verified.stdout, /all of it is signed by a given key: "orders", release 7, 1 files/);
    const inspected = await interpose(['bundle', 'inspect', 'b.zip'], { cwd });
    assert.match(inspected.stdout, /"file_list": \[\n.*"a.py"/);
    assert.match(inspected.stdout, / 9 {2}a.py\n/);
    await interpose(['bundle', 'build', '-y', '-o', 'c.zip'], { cwd });
    const refused = await interpose(['bundle', 'verify', 'c.zip', '-k', 'public.pem'], { cwd });
    assert.is(refused.code, 2);
    assert.match(refused.stderr, /c.zip is refused: Bundle isn't signed/);
  });
});

bundle('serve gives bundles of its folder, and nothing else', async () => {
  await inFolder(async (cwd) => {
    await interpose(['bundle', 'build', '-y', '-o', 'b.zip'], { cwd });
    await withServing(['bundle', 'serve', '--listen', '127.0.0.1:0'], { cwd }, async ({ ready }) => {
      const answer = await fetch(`http://${ready.address}/b.zip`);
      assert.equal([answer.status, (await answer.arrayBuffer()).byteLength > 100], [200, true]);
      for (const path of ['none.zip', 'private.pem', '', '%2e%2e/b.pem', '..%2fx.zip', '%']) {
        assert.is((await fetch(`http://${ready.address}/${path}`)).status, 404, path);
      }
    });
  });
});

bundle.run();
