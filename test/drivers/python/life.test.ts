import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import type { PluginFailure } from '../../../contract/failure.ts';
import { python } from '../../peers/index.ts';
import { withPython } from './with-python.ts';

const life = suite('python guests');

const header = (answer: { request?: { setHeaders?: readonly (readonly [string, string])[] } }): string | undefined =>
  answer.request?.setHeaders?.[0]?.[1];
const failed = (promise: Promise<unknown>): Promise<PluginFailure> =>
  promise.then(
    () => assert.unreachable('it did not fail'),
    (error: unknown) => error as PluginFailure,
  ) as Promise<PluginFailure>;

const counting = `
from tyk.decorators import *
count = 0
@Hook
def tally(request, session, spec):
    global count
    count += 1
    request.add_header("X-Count", "%d for %s" % (count, spec["APIID"]))
    return request, session
`;

life('two APIs of one bundle share its globals, and each sees its own spec', async () => {
  await withPython({ files: { 'middleware.py': counting }, hooks: [['tally', 'pre']] }, async ({ run, another }) => {
    const other = await another('invoices');
    assert.is(header(await run(0)), '1 for orders');
    assert.is(header(await other.run(0)), '2 for invoices');
    assert.is(header(await run(0)), '3 for orders');
  });
});

life('hooks that cannot run are reported, or fail when called', async () => {
  const files = {
    'middleware.py': `
from tyk.decorators import *
@Pre
def old(request, session, spec): pass
@Hook
def two(request, session): pass
@Hook
def fine(request, session, spec): return request, session
`,
  };
  const hooks = [
    ['old', 'pre'],
    ['two', 'pre'],
    ['none', 'auth'],
    ['fine', 'post'],
  ] as const;
  await withPython({ files, hooks, options: { missing: 'refuse' } }, async ({ reports }) => {
    assert.equal(
      reports.map((report) => (report.ready ? 'ready' : report.reason)),
      [
        'old is under @Pre; only functions under @Hook can be run',
        'two takes 2 parameters; a hook takes 3, 4 or 5',
        "no function 'none' under @Hook in middleware.py; there are: fine, old, two",
        'ready',
      ],
    );
  });
  await withPython({ files, hooks }, async ({ run, reports, log }) => {
    assert.ok(reports.every((report) => report.ready));
    assert.is((await failed(run(1))).reason, 'HOOK_UNKNOWN');
    assert.is(log.filter(({ level }) => level === 'warn').length, 3);
    assert.ok((await run(3)).request);
  });
});

life('a module that does not load says why, and what to install', async () => {
  const files = { 'middleware.py': 'import not_a_package_of_anybody\n' };
  await withPython({ files, hooks: [['any', 'pre']] }, async ({ run, log }) => {
    assert.match((await failed(run(0))).message, /No module named 'not_a_package_of_anybody'; install it for .*python/);
    assert.ok(
      log.some(({ level, message }) => level === 'error' && message.includes('Middleware initialization error')),
    );
  });
});

life(
  'a package that is missing is named with its module, the file that wants it, the interpreter and the command',
  async () => {
    const files = {
      'middleware.py': `
from tyk.decorators import *
@Hook
def late(request, session, spec):
    import not_a_package.of_anybody
    return request, session
`,
      'other.py': 'import helper\n',
      'helper.py': '\nimport not_a_package.of_anybody\n',
    };
    const cure =
      /No module named 'not_a_package'; install it for (\S+) \(\1 -m pip install not_a_package\).*imported by \S*/;
    await withPython({ files, hooks: [['late', 'pre']] }, async ({ run }) => {
      const { message } = await failed(run(0));
      assert.match(message, cure);
      assert.match(message, /middleware\.py, line 5$/);
    });
    await withPython({ files, fileList: ['other.py'], hooks: [['late', 'pre']] }, async ({ run }) => {
      const { message } = await failed(run(0));
      assert.match(message, cure);
      assert.match(message, /helper\.py, line 2$/);
    });
  },
);

life('a hook runs in the environment that it names, beside those of others', async () => {
  const files = {
    'middleware.py': `
import os, sys
from tyk.decorators import *
@Hook
def where(request, session, spec):
    request.add_header("X-Where", "%s %d" % (sys.prefix, os.getpid()))
    return request, session
`,
  };
  const venv = dirname(dirname(await python()));
  const options = { environments: { venv: join(venv, 'bin/python'), same: join(venv, 'bin/python') } };
  const hooks = [
    ['where', 'pre', { environment: 'venv' }],
    ['where', 'post'],
    ['where', 'post', { environment: 'same' }],
  ] as const;
  await withPython({ files, hooks, options }, async ({ run, another }) => {
    const [first, second, third] = [header(await run(0)), header(await run(1)), header(await run(2))];
    assert.is(first?.split(' ')[0], venv);
    assert.is.not(second?.split(' ')[0], venv);
    assert.is(third, first);
    const other = await another('invoices');
    assert.equal([header(await other.run(0)), header(await other.run(1))], [first, second]);
  });
});

life('an environment that the coprocess does not have is refused, with those that there are', async () => {
  const files = { 'middleware.py': counting };
  const options = { environments: { ml: 'python3' } };
  const hooks = [
    ['tally', 'pre', { environment: '/usr/bin/evil' }],
    ['tally', 'post'],
  ] as const;
  await withPython({ files, hooks, options }, async ({ reports }) => {
    const [refused, fine] = reports;
    assert.match(
      refused?.ready === false ? refused.reason : '',
      /names the Python environment "\/usr\/bin\/evil"; configured are ml: add it to python.environments/,
    );
    assert.ok(fine?.ready);
  });
});

life('packages in the bundle’s vendor folder can be imported', async () => {
  const files = {
    'middleware.py': `
from tyk.decorators import *
import flat
from deep.inner import WHO
@Hook
def who(request, session, spec):
    from flat import late
    request.add_header("X-Who", flat.NAME + WHO + late())
    return request, session
`,
    'vendor/flat.py': 'NAME = "flat "\ndef late(): return " late"\n',
    'vendor/lib/python3/site-packages/deep/__init__.py': '',
    'vendor/lib/python3/site-packages/deep/inner.py': 'WHO = "deep"\n',
  };
  await withPython(
    { files, fileList: ['middleware.py', 'vendor/flat.py'], hooks: [['who', 'pre']] },
    async ({ run }) => {
      assert.is(header(await run(0)), 'flat deep late');
    },
  );
});

life('sys.exit, an exception and a wrong result fail one call, with a trace in the log', async () => {
  const files = {
    'middleware.py': `
import sys
from tyk.decorators import *
@Hook
def leave(request, session, spec): sys.exit(3)
@Hook
def boom(request, session, spec): raise ValueError("secret detail")
@Hook
def nothing(request, session, spec): pass
@Hook
async def later(request, session, spec): return request
@Hook
def fine(request, session, spec): return request, session
`,
  };
  const names = ['leave', 'boom', 'nothing', 'later', 'fine'] as const;
  await withPython({ files, hooks: names.map((name) => [name, 'pre'] as const) }, async ({ run, log }) => {
    for (const hook of [0, 1, 2, 3]) assert.is((await failed(run(hook))).reason, 'HOOK_THREW');
    assert.ok((await run(4)).request);
    const boom = log.find(({ message }) => message.includes('secret detail'));
    assert.match(String(boom?.fields?.stack), /line 7, in boom/);
  });
});

life('an interpreter that ends fails what it owes at once, and the next call is answered by a new one', async () => {
  const files = {
    'middleware.py': `
import os
from tyk.decorators import *
@Hook
def die(request, session, spec): os._exit(1)
@Hook
def fine(request, session, spec): return request, session
`,
  };
  await withPython(
    {
      files,
      hooks: [
        ['die', 'pre'],
        ['fine', 'pre'],
      ],
    },
    async ({ run }) => {
      assert.is((await failed(run(0))).reason, 'DRIVER_UNAVAILABLE');
      assert.ok((await run(1)).request);
    },
  );
});

life(
  'a hook that began is not run twice when its interpreter dies, also one that came while another asked the gateway',
  async () => {
    const files = {
      'middleware.py': `
import os
from tyk.decorators import *
from gateway import TykGateway as tyk
@Hook
def ask(request, session, spec):
    tyk.get_data("key")
    return request, session
@Hook
def quick(request, session, spec): return request, session
@Hook
def die(request, session, spec):
    if request.get_header("File"):
        with open(request.get_header("File"), "a") as runs: runs.write("x")
        os._exit(1)
    return request, session
`,
    };
    const folder = await mkdtemp(join(tmpdir(), 'interpose-once-'));
    let asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    let isHeld = false;
    const request = async (): Promise<unknown> => {
      asked.resolve();
      if (isHeld) await answer.promise;
      return 'value';
    };
    try {
      const hooks = ['ask', 'quick', 'die'].map((name) => [name, 'pre'] as const);
      await withPython({ files, hooks, request }, async ({ run }) => {
        for (const hook of [0, 1, 2]) await run(hook);
        isHeld = true;
        asked = Promise.withResolvers();
        const finished = [run(0), run(1)];
        await asked.promise;
        const file = join(folder, 'runs');
        const died = failed(run(2, { headers: { File: file } }));
        setImmediate(() => setImmediate(answer.resolve));
        for (const one of finished) assert.ok((await one).request, 'what was finished before is not lost');
        assert.is((await died).reason, 'DRIVER_UNAVAILABLE');
        assert.ok((await run(1)).request);
        assert.is(await readFile(file, 'utf8'), 'x');
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

life('a loop is ended at its deadline, and what waits behind it is answered by the next guest', async () => {
  const files = {
    'middleware.py': `
from tyk.decorators import *
@Hook
def loop(request, session, spec):
    while True: pass
@Hook
def fine(request, session, spec): return request, session
`,
  };
  const options = { cancelGraceMs: 100 };
  await withPython(
    {
      files,
      hooks: [
        ['loop', 'pre'],
        ['fine', 'pre'],
      ],
      options,
    },
    async ({ run }) => {
      assert.is((await failed(run(0, { timeoutMs: 100 }))).reason, 'HOOK_TIMED_OUT');
      assert.ok((await run(1)).request);
    },
  );
});

life('a call whose client went away before its turn is not run', async () => {
  const files = {
    'middleware.py': `
import time
from tyk.decorators import *
ran = []
@Hook
def slow(request, session, spec):
    time.sleep(0.2)
    return request, session
@Hook
def mark(request, session, spec):
    ran.append(1)
    return request, session
@Hook
def count(request, session, spec):
    request.add_header("X-Ran", str(len(ran)))
    return request, session
`,
  };
  const hooks = [
    ['slow', 'pre'],
    ['mark', 'pre'],
    ['count', 'pre'],
  ] as const;
  await withPython({ files, hooks }, async ({ run }) => {
    const slow = run(0);
    const cancellation = new Cancellation();
    const marked = failed(run(1, { cancellation }));
    cancellation.cancel();
    assert.is((await marked).reason, 'CANCELLED');
    await slow;
    assert.is(header(await run(2)), '0');
  });
});

life('store, events and logs go to the host; print is log; threads may ask too', async () => {
  const files = {
    'middleware.py': `
import threading
from tyk.decorators import *
from gateway import TykGateway as tyk
@Hook
def use(request, session, spec):
    tyk.log("a warning", "warning")
    tyk.log_error("an error")
    print("printed")
    tyk.store_data("key", "välue", 60)
    tyk.trigger_event("Event", "{}")
    found = []
    thread = threading.Thread(target=lambda: found.append(tyk.get_data("key")))
    thread.start()
    got = tyk.get_data("key")
    request.add_header("X-Got", repr([got, tyk.get_data("none")]))
    threads.append((thread, found))
    return request, session
threads = []
@Hook
def joined(request, session, spec):
    thread, found = threads[0]
    request.add_header("X-Found", repr(found))
    return request, session
`,
  };
  const stored = new Map<unknown, unknown>();
  const asked: unknown[] = [];
  const request = async (service: string, args: unknown): Promise<unknown> => {
    const { key, value } = args as Record<string, unknown>;
    asked.push([service, args]);
    if (service === 'storage.set') stored.set(key, value);
    return service === 'storage.get' ? (stored.get(key) ?? null) : null;
  };
  await withPython(
    {
      files,
      hooks: [
        ['use', 'pre'],
        ['joined', 'pre'],
      ],
      request,
    },
    async ({ run, log }) => {
      assert.is(header(await run(0)), "[b'v\\xc3\\xa4lue', b'']");
      assert.equal(asked.slice(0, 2), [
        ['storage.set', { key: 'key', value: 'välue', ttlSeconds: 60 }],
        ['events.trigger', { name: 'Event', payload: '{}' }],
      ]);
      assert.is(header(await run(1)), "[b'v\\xc3\\xa4lue']");
      const levels = log.map(({ level, message }) => `${level} ${message}`);
      for (const line of ['warn a warning', 'error an error']) assert.ok(levels.includes(line), line);
    },
  );
});

life('plugins see none of the operator’s environment, and may use sockets', async () => {
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const files = {
    'middleware.py': `
import os, socket
from tyk.decorators import *
@Hook
def look(request, session, spec):
    with socket.create_connection(("127.0.0.1", ${port})) as s:
        request.add_header("X-Seen", s.recv(10).decode() + repr(os.environ.get("A_SECRET_OF_TESTS")))
    return request, session
`,
  };
  process.env.A_SECRET_OF_TESTS = 'told';
  try {
    await withPython({ files, hooks: [['look', 'pre']] }, async ({ run }) => {
      assert.is(header(await run(0)), 'helloNone');
    });
  } finally {
    delete process.env.A_SECRET_OF_TESTS;
    server.close();
  }
});

life('without the interpreter the hooks are refused by its name', async () => {
  const options = { interpreter: 'no-such-python' };
  await withPython({ files: { 'middleware.py': '' }, hooks: [['any', 'pre']], options }, async ({ reports }) => {
    const [report] = reports;
    assert.match(report?.ready === false ? report.reason : '', /no-such-python/);
  });
});

life.run();
