import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { interpose, withServing } from '../cli/interpose.ts';
import { run } from '../peers/command.ts';

const root = join(import.meta.dirname, '../..');

const plugins: Readonly<Record<string, readonly [file: string, text: string]>> = {
  typescript: [
    'stamp.ts',
    "import { pre } from 'interpose/plugin';\nexport const stamp = pre((r) => { r.headers.set('x-stamp', 'typescript'); });\n",
  ],
  otto: [
    'stamp.js',
    "var stamp = new TykJS.TykMiddleware.NewMiddleware({});\nstamp.NewProcessRequest(function (request, session) { request.SetHeaders['X-Stamp'] = 'otto'; return stamp.ReturnData(request, {}); });\n",
  ],
  python: [
    'stamp.py',
    "from tyk.decorators import Hook\n\n\n@Hook\ndef stamp(request, session, spec):\n    request.add_header('X-Stamp', 'python')\n    return request, session\n",
  ],
  lua: [
    'stamp.lua',
    "function stamp(request, session, spec)\n  tyk.req.set_header('X-Stamp', 'lua')\n  return request, session\nend\n",
  ],
};

const built = suite('the package as it is published');

built.before(async () => {
  // Without its `pre` script: that makes the generated code anew, which other tests are reading.
  await run({ program: 'npm', args: ['run', '-s', '--ignore-scripts', 'build'], cwd: root, cure: 'install npm' });
});

built('says its version', async () => {
  const { stdout, code } = await interpose(['--version'], { built: true });
  assert.is(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+/);
});

built('runs plugins of every language', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'interpose-built-'));
  const upstream = createServer((asked, answer) => answer.end(String(asked.headers['x-stamp'])));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
  try {
    await mkdir(join(folder, 'apis'));
    await mkdir(join(folder, 'plugins'));
    for (const [driver, [path, text]] of Object.entries(plugins)) {
      await writeFile(join(folder, 'plugins', path), text);
      const api = {
        name: driver,
        api_id: driver,
        org_id: 'default',
        active: true,
        use_keyless: true,
        version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
        proxy: { listen_path: `/${driver}/`, target_url: target, strip_listen_path: true },
        custom_middleware: { driver, pre: [{ name: 'stamp', path }] },
      };
      await writeFile(join(folder, 'apis', `${driver}.json`), JSON.stringify(api));
    }
    await writeFile(
      join(folder, 'interpose.yaml'),
      'listeners: [{ address: 127.0.0.1:0 }]\ncontrol: { enabled: false }\ndefinitions: { folder: apis }\nplugins: { folder: plugins }\n',
    );
    await withServing(['run', '--config', 'interpose.yaml'], { cwd: folder, built: true }, async ({ ready }) => {
      for (const driver of Object.keys(plugins)) {
        const answer = await fetch(`http://${ready.addresses?.[0]}/${driver}/x`);
        assert.is(await answer.text(), driver);
      }
    });
  } finally {
    upstream.closeAllConnections();
    upstream.close();
    await rm(folder, { recursive: true, force: true });
  }
});

built.run();
