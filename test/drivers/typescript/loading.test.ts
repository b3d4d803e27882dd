import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createTypeScriptDriver } from '../../../drivers/typescript/index.ts';
import { failure } from '../guest/with-guest.ts';
import { guestOf, reasonOf, withFolder, withPlugins } from './with-plugins.ts';

const loading = suite('loading TypeScript plugins');

const fine = `import { pre } from 'interpose/plugin'; export const fine = pre(() => {});`;

loading('a syntax error is reported with file, line and column', async () => {
  await withFolder({ 'broken.ts': 'const a = 1;\nexport const b = = 2;\n', 'fine.ts': fine }, async ({ path }) => {
    const set = [
      ['b', 'pre', 'broken.ts'],
      ['fine', 'pre', 'fine.ts'],
    ] as const;
    await withPlugins(set, { pluginsFolder: path }, async ({ report }) => {
      assert.is(reasonOf(report('b')), 'broken.ts:2:18: Unexpected "="');
      assert.ok(report('fine').ready, 'the other file is fine');
    });
  });
});

loading('a package that is not installed is named, with the cure', async () => {
  const source = `import left from 'left-pad-of-old'; export const x = left;`;
  await withFolder({ 'plugin.ts': source }, async ({ path }) => {
    await withPlugins([['x', 'pre', 'plugin.ts']], { pluginsFolder: path }, async ({ report }) => {
      assert.is(
        reasonOf(report('x')),
        `plugin.ts:1:18: Could not resolve "left-pad-of-old": install it with "npm install left-pad-of-old" in ${path}`,
      );
    });
  });
});

loading('a file that is not there, has no name, or lies elsewhere is refused', async () => {
  const set = [
    ['a', 'pre', 'nowhere.ts'],
    ['b', 'pre', ''],
    ['c', 'pre', '../elsewhere.ts'],
  ] as const;
  await withPlugins(set, {}, async ({ report }) => {
    assert.match(reasonOf(report('a')), /Could not resolve ".*nowhere\.ts"/);
    assert.match(reasonOf(report('b')), /the hook has no "path"/);
    assert.match(reasonOf(report('c')), /"\.\.\/elsewhere\.ts" lies outside of the plugins folder/);
  });
});

for (const isolation of ['process', 'none'] as const) {
  loading(`an export that does not exist is reported with the nearest ones (isolation ${isolation})`, async () => {
    const source = `import { pre, response } from 'interpose/plugin';
      export const stamp = pre(() => {}); export const mask = response(() => {});`;
    await withFolder({ 'p.ts': source, 'empty.ts': 'export const x = 1;' }, async ({ path }) => {
      const set = [
        ['stmap', 'pre', 'p.ts'],
        ['quite-different', 'pre', 'p.ts'],
        ['mask', 'pre', 'p.ts'],
        ['y', 'pre', 'empty.ts'],
        ['x', 'post', 'empty.ts'],
      ] as const;
      await withPlugins(set, { pluginsFolder: path, isolation }, async ({ report }) => {
        assert.is(
          reasonOf(report('stmap')),
          'p.ts has no export "stmap"; did you mean "stamp"? Its hooks are: mask (response), stamp (pre)',
        );
        assert.is(
          reasonOf(report('quite-different')),
          'p.ts has no export "quite-different". Its hooks are: mask (response), stamp (pre)',
        );
        assert.is(
          reasonOf(report('mask')),
          'the export "mask" of p.ts is a hook of phase response, and the definition lists it under "pre": ' +
            'list it under "response", or write "export const mask = pre(...)"',
        );
        assert.is(reasonOf(report('y')), 'empty.ts has no export "y", nor any other hook');
        assert.is(
          reasonOf(report('x')),
          'the export "x" of empty.ts is no hook but of type number: write "export const x = post(...)"',
        );
      });
    });
  });

  loading(`a module that throws while it is loaded is refused, and says where (isolation ${isolation})`, async () => {
    const files = { 'p.ts': `type A = string;\n\nconst a: A = undefined as never;\na.trim();\n`, 'fine.ts': fine };
    await withFolder(files, async ({ path }) => {
      const set = [
        ['a', 'pre', 'p.ts'],
        ['fine', 'pre', 'fine.ts'],
      ] as const;
      await withPlugins(set, { pluginsFolder: path, isolation }, async ({ report }) => {
        assert.match(reasonOf(report('a')), /^p\.ts failed while loading: TypeError: Cannot read .* \(p\.ts:4:3\)$/);
        assert.ok(report('fine').ready);
      });
    });
  });
}

loading('wrong use does not compile, and does not load either', async () => {
  const source = `import { pre } from 'interpose/plugin'; export const x = pre({ body: 'xml' } as never, () => {});`;
  await withFolder({ 'p.ts': source }, async ({ path }) => {
    await withPlugins([['x', 'pre', 'p.ts']], { pluginsFolder: path }, async ({ report }) => {
      assert.match(reasonOf(report('x')), /"body" must be one of none, text, bytes, json \(p\.ts:1:\d+\)/);
    });
  });
});

loading('a module that never ends loading is refused in time', async () => {
  await withFolder({ 'p.ts': 'for (;;);' }, async ({ path }) => {
    const beganMs = performance.now();
    await withPlugins([['x', 'pre', 'p.ts']], { pluginsFolder: path, startTimeoutMs: 500 }, async ({ report }) => {
      assert.match(reasonOf(report('x')), /it was not ready within 500 ms/);
    });
    assert.ok(performance.now() - beganMs < 5000);
  });
});

loading('trusted hooks are refused unless the operator allows them', async () => {
  const set = [['idle', 'pre', 'hooks.ts']] as const;
  await withPlugins(set, { isolation: 'none', allowTrusted: false }, async ({ report, run }) => {
    assert.match(reasonOf(report('idle')), /asks for "isolation": "none", and trusted plugins are not allowed here/);
    assert.is((await failure(run('idle'))).reason, 'HOOK_UNKNOWN');
  });
});

loading('trusted and isolated hooks may stand in one set', async () => {
  const set = [
    ['teapot', 'pre', 'hooks.ts', { isolation: 'none' }],
    ['json', 'pre', 'hooks.ts'],
  ] as const;
  await withPlugins(set, {}, async ({ run }) => {
    assert.is((await run('teapot')).reply?.status, 418);
    assert.is((await run('json')).reply?.status, 200);
  });
});

loading('a guest is there soon after Node itself is', async () => {
  await withPlugins([['teapot', 'pre', 'hooks.ts']], { idleMs: 1 }, async ({ run }) => {
    const [guest, bare]: [number[], number[]] = [[], []];
    for (let i = 0; i < 5; i++) {
      while (guestOf('orders') !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      guest.push(await timeOf(() => run('teapot')));
      bare.push(await timeOf(() => once(spawn(process.execPath, ['-e', '0']), 'exit')));
    }
    // Alone on a machine: 45 ms against 30 ms.
    assert.ok(
      Math.min(...guest) < 2.5 * Math.min(...bare) + 20,
      `${Math.min(...guest)} ms against ${Math.min(...bare)} ms`,
    );
  });
});

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

loading('options that cannot be are refused at once', () => {
  assert.throws(() => createTypeScriptDriver({ pluginsFolder: '/no/such/folder' }), /ENOENT/);
  assert.throws(
    () => createTypeScriptDriver({ pluginsFolder: '.', memoryLimitBytes: 1 }),
    /"memoryLimitBytes" must be at/,
  );
});

loading.run();
