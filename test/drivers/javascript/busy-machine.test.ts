import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as passes } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, headerOf, hookText, withJavaScript } from './with-javascript.ts';

const busy = suite('scripts on a machine that does something else');

const good = hookText("request.SetHeaders['X-Ok'] = '1';");
/** Some tenths of a second of CPU time. */
const work = 'for (var i = 0, sum = 0; i < 1e8; i++) sum = (sum + i) % 7;';

busy('a call is not ended for time in which its guest was not running', async () => {
  await withJavaScript({ cpuMs: 1000 }, async ({ load }) => {
    const { run } = await load({
      'long.js': hookText(`(function () { ${work} })(); request.SetHeaders['X-Ok'] = '1';`),
    });
    const answer = run(0, { timeoutMs: 10_000 });
    await stopAtWork(1200);
    assert.is(headerOf(await answer, 'X-Ok'), '1');
  });
});

busy('scripts that load are not refused for time in which their guest was not running', async () => {
  await withJavaScript({}, async ({ load }) => {
    await load({ 'good.js': good });
    const loading = load({
      'slow-to-load.js': hookText("request.SetHeaders['X-Ok'] = '1';", `(function () { ${work} })();`),
    });
    await stopAtWork(1200);
    const { reports, run } = await loading;
    assert.ok(reports[0]?.ready);
    assert.is(headerOf(await run(), 'X-Ok'), '1');
  });
});

busy('a script that goes on and on is ended nonetheless, before its deadline', async () => {
  await withJavaScript({ cpuMs: 300 }, async ({ load }) => {
    const { run } = await load({ 'endless.js': hookText('while (true) {}') });
    const startMs = performance.now();
    const failure = failureOf(run(0, { timeoutMs: 10_000 }));
    await stopAtWork(500);
    assert.is(await failure, 'HOOK_TIMED_OUT');
    assert.ok(performance.now() - startMs < 5000);
  });
});

busy.run();

/** Wait until the one guest of this process works, and keep it from going on for so long. */
async function stopAtWork(ms: number): Promise<void> {
  const pid = guestPid();
  const before = ticksOf(pid);
  // A tick is 10 ms.
  while (ticksOf(pid) < before + 10) await passes(1);
  process.kill(pid, 'SIGSTOP');
  await passes(ms);
  process.kill(pid, 'SIGCONT');
}

function guestPid(): number {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const guests = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('javascript guest'));
  assert.is(guests.length, 1);
  return Number(guests[0]);
}

/** CPU time of a process; the name before it in the line may have spaces. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
