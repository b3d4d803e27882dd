import { createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBundle, checkBundle, createBundleStore, inspectBundle } from '../../../coprocess/bundles/index.ts';
import { bundleBytes } from '../../conformance/peers/bundle.ts';

const signatures = suite('signed bundles');

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const privatePem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const publicPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;

const files: Readonly<Record<string, string>> = {
  file1: 'file1 content',
  'lib/deep/file2': 'file2 content',
};
const manifest = {
  file_list: Object.keys(files),
  custom_middleware: { driver: 'python', pre: [{ name: 'hook', interpose: { timeoutMs: 5 } }] },
  version: 3,
};

// biome-ignore lint/suspicious/noExplicitAny: a manifest is changed in places that have no type.
type AnyJson = Record<string, any>;

interface Workshop {
  readonly folder: string;
  readonly build: (key?: KeyObject, release?: number, output?: string) => Promise<string>;
}

async function inWorkshop(use: (workshop: Workshop) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'interpose-build-'));
  for (const [name, text] of Object.entries({ ...files, 'manifest.json': JSON.stringify(manifest) })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const build = async (key?: KeyObject, release = 1, output = 'a.zip'): Promise<string> => {
    const archive = join(folder, output);
    await buildBundle({
      folder,
      manifestFile: join(folder, 'manifest.json'),
      output: archive,
      key: key && privatePem(key),
      name: 'orders',
      release,
    });
    return archive;
  };
  try {
    await use({ folder, build });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => assert.unreachable('it was taken'),
    (error: Error) => error.message,
  ) as Promise<string>;

/** The archive with a change to its manifest or files. */
async function tampered(
  archive: string,
  change: (manifest: AnyJson, files: Record<string, string>) => void,
): Promise<string> {
  const { manifest: built } = await inspectBundle(archive);
  const json = structuredClone(built.json) as AnyJson;
  const changed = { file1: files.file1 as string, file2: files['lib/deep/file2'] as string };
  change(json, changed);
  const flat: Record<string, string> = { ...changed };
  await writeFile(`${archive}.tampered`, await bundleBytes({ manifest: json, files: flat, checksum: null }));
  return `${archive}.tampered`;
}

signatures('a built bundle has checksum and signature by which the original takes it', async () => {
  await inWorkshop(async ({ build }) => {
    const { manifest: built } = await inspectBundle(await build(rsa.privateKey));
    assert.is(built.checksum, '1510d0e71b31de1c78fd9e823a7c6de9');
    const over = createVerify('sha256').update('file1 contentfile2 content');
    assert.ok(over.verify(rsa.publicKey, Buffer.from(built.signature, 'base64')));
    assert.equal(built.json.version, 3);
    assert.equal((built.customMiddleware as AnyJson).pre, manifest.custom_middleware.pre);
    assert.equal(Object.keys(built.customMiddleware).length, 7);
  });
});

signatures('the same input gives the same bytes', async () => {
  await inWorkshop(async ({ build }) => {
    const first = await readFile(await build(ed.privateKey));
    const second = await readFile(await build(ed.privateKey, 1, 'b.zip'));
    assert.ok(first.equals(second));
  });
});

signatures('verify tells why a bundle is trusted', async () => {
  await inWorkshop(async ({ build }) => {
    const keys = publicPem(other.publicKey) + publicPem(ed.publicKey);
    assert.is((await checkBundle(await build(), undefined)).trust.kind, 'unsigned');
    assert.match(await refusal(checkBundle(await build(), keys)), /Bundle isn't signed/);
    const archive = await build(ed.privateKey, 4);
    const { trust } = await checkBundle(archive, keys);
    assert.equal(trust.kind === 'whole' && [trust.signature.name, trust.signature.release], ['orders', 4]);
    assert.match(await refusal(checkBundle(archive, publicPem(other.publicKey))), /by none of the configured keys/);
  });
});

signatures('nothing in a bundle can be changed under its signature', async () => {
  const flat = { ...manifest, file_list: ['file1', 'file2'] };
  await inWorkshop(async ({ folder, build }) => {
    await writeFile(join(folder, 'file2'), files['lib/deep/file2'] as string);
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...flat }));
    const archive = await build(ed.privateKey);
    const keys = publicPem(ed.publicKey);
    const changes: Record<string, Parameters<typeof tampered>[1]> = {
      'a hook name': ({ custom_middleware }) => {
        custom_middleware.pre[0].name = 'other';
      },
      'a hook left out': ({ custom_middleware }) => {
        custom_middleware.pre = null;
      },
      'the driver': ({ custom_middleware }) => {
        custom_middleware.driver = 'grpc';
      },
      'two names swapped': ({ file_list }, all) => {
        file_list.reverse();
        [all.file1, all.file2] = [all.file2 as string, all.file1 as string];
      },
      'bytes moved over a boundary': (_, all) => {
        all.file1 = 'file1 contentfile2';
        all.file2 = ' content';
      },
      'a file more': (_, all) => {
        all.extra = 'x';
      },
      'another release': ({ interpose }) => {
        interpose.release = 9;
      },
      'the signature gone': (json) => {
        delete json.interpose;
      },
      'no signatures in it': ({ interpose }) => {
        interpose.signatures = [];
      },
      'a signature of another shape': ({ interpose }) => {
        interpose.files = 7;
      },
    };
    assert.is((await checkBundle(await tampered(archive, () => {}), keys)).trust.kind, 'whole');
    for (const [what, change] of Object.entries(changes)) {
      const message = await refusal(checkBundle(await tampered(archive, change), keys));
      assert.ok(/checksum|signed|signature|not as it was/.test(message), `${what}: ${message}`);
    }
  });
});

signatures('an older release is refused once a newer one was taken', async () => {
  await inWorkshop(async ({ folder, build }) => {
    await mkdir(join(folder, 'shelf'));
    await build(ed.privateKey, 2, 'shelf/two.zip');
    await build(ed.privateKey, 1, 'shelf/one.zip');
    await build(ed.privateKey, 3, 'shelf/three.zip');
    const store = createBundleStore({
      download: true,
      baseUrl: `file://${join(folder, 'shelf')}`,
      insecureSkipVerify: false,
      folder: join(folder, 'bundles'),
      publicKey: publicPem(ed.publicKey),
      skipVerifyExisting: false,
      maxBytes: 1_000_000,
      timeoutMs: 1000,
      log: () => {},
    });
    await store.open('two.zip');
    assert.match(await refusal(store.open('one.zip')), /release 1 of "orders", and release 2 was here before/);
    await store.open('three.zip');
    await store.open('two.zip');
    assert.is((await readdir(join(folder, 'bundles'))).length, 3);
  });
});

signatures('a manifest that will not do is refused in the original’s words', async () => {
  await inWorkshop(async ({ folder, build }) => {
    const tries: readonly (readonly [object | string, RegExp])[] = [
      [{ ...manifest, file_list: ['none.py'] }, /^Referencing a nonexistent file: none.py$/],
      [{ ...manifest, file_list: ['../a.py'] }, /invalid file path/],
      [{ ...manifest, custom_middleware: { driver: 'python' } }, /^No hooks defined$/],
      [{ ...manifest, custom_middleware: { auth_check: { name: 'a' } } }, /^No driver specified$/],
      ['no json', /no JSON/],
    ];
    for (const [json, message] of tries) {
      await writeFile(join(folder, 'manifest.json'), typeof json === 'string' ? json : JSON.stringify(json));
      assert.match(await refusal(build()), message);
    }
    await rm(join(folder, 'manifest.json'));
    assert.match(await refusal(build()), /^Couldn't load manifest file: /);
  });
});

signatures.run();
