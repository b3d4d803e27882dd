import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Folder, type Plugins, withFolder, withPlugins } from './with-plugins.ts';

/** With `watch`, as in development: saving a file is all it takes. */
for (const isolation of ['process', 'none'] as const) {
  const reload = suite(`reload of TypeScript plugins, ${isolation === 'none' ? 'trusted' : 'in a guest'}`);

  const version = (text: string): string => `
    import { pre, reply } from 'interpose/plugin';
    import { word } from './lib/word.ts';
    export const say: unknown = pre(() => reply(200, '${text} ' + word));`;

  async function withSaying(use: (plugins: Plugins, folder: Folder) => Promise<void>): Promise<void> {
    const files = { 'say.ts': version('one'), 'lib/word.ts': `export const word = 'word';` };
    await withFolder(files, async (folder) => {
      const options = { isolation, pluginsFolder: folder.path, watch: true };
      await withPlugins([['say', 'pre', 'say.ts']], options, async (plugins) => {
        assert.is(await said(plugins), 'one word');
        await use(plugins, folder);
      });
    });
  }

  async function said({ run }: Plugins): Promise<string | undefined> {
    return (await run('say')).reply?.body.toString();
  }

  /** What the log says of the next reload. */
  async function next({ host }: Plugins, level: string): Promise<string> {
    const { message } = await host.line((line) => line.level === level && line.message.includes('typescript plugins'));
    host.lines.length = 0;
    return message;
  }

  reload('a saved file is in use a moment later', async () => {
    await withSaying(async (plugins, folder) => {
      await folder.write({ 'say.ts': version('two') });
      assert.is(await next(plugins, 'info'), 'the typescript plugins of orders were reloaded');
      assert.is(await said(plugins), 'two word');
    });
  });

  reload('a file that a plugin imports counts too', async () => {
    await withSaying(async (plugins, folder) => {
      await folder.write({ 'lib/word.ts': `export const word = 'other';` });
      await next(plugins, 'info');
      assert.is(await said(plugins), 'one other');
    });
  });

  reload('what cannot be loaded leaves the version before in use, until it is mended', async () => {
    await withSaying(async (plugins, folder) => {
      await folder.write({ 'say.ts': 'export const say = = 1;' });
      assert.match(await next(plugins, 'error'), /stay as they were: say\.ts:1:20: Unexpected "="/);
      await folder.write({ 'say.ts': `throw new Error('not today');` });
      assert.match(await next(plugins, 'error'), /say\.ts failed while loading: not today \(say\.ts:1:\d+\)/);
      await folder.write({ 'say.ts': `export const other = 1;` });
      assert.match(await next(plugins, 'error'), /say\.ts has no export "say"/);
      await rm(join(folder.path, 'say.ts'));
      assert.match(await next(plugins, 'error'), /Could not resolve/);
      assert.is(await said(plugins), 'one word');
      await folder.write({ 'say.ts': version('mended') });
      await next(plugins, 'info');
      assert.is(await said(plugins), 'mended word');
    });
  });

  reload('a hook that begins to read bodies needs a reload of its API', async () => {
    await withSaying(async (plugins, folder) => {
      const source = `import { pre } from 'interpose/plugin'; export const say = pre({ body: 'text' }, () => {});`;
      await folder.write({ 'say.ts': source });
      assert.match(await next(plugins, 'error'), /hook "say" now reads the body: reload the API to let it/);
      assert.is(await said(plugins), 'one word');
    });
  });

  reload('no call is lost while versions change', async () => {
    await withSaying(async (plugins, folder) => {
      const words: (string | undefined)[] = [];
      let reloaded = false;
      const calls = (async () => {
        while (!reloaded) {
          words.push(...(await Promise.all(Array.from({ length: 20 }, () => said(plugins)))));
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      await folder.write({ 'say.ts': version('two') });
      await next(plugins, 'info');
      reloaded = true;
      await calls;
      const turn = words.indexOf('two word');
      assert.ok(words.slice(0, turn < 0 ? undefined : turn).every((word) => word === 'one word'));
      assert.is(await said(plugins), 'two word');
    });
  });

  reload.run();
}
