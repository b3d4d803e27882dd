import { readdirSync, readFileSync } from 'node:fs';
import type { HookAnswer } from '../contract/answer.ts';
import type { HookCall } from '../contract/call.ts';
import { Cancellation } from '../contract/cancellation.ts';
import { HeaderList } from '../contract/header-list.ts';
import type { HookSpec, PluginSet } from '../contract/plugin-set.ts';
import { RequestMessage } from '../contract/request-message.ts';
import { requestState } from '../contract/request-state.ts';
import { parseTarget } from '../contract/url.ts';

/** A request with 12 headers of 1 kB in all, as a browser behind a proxy sends it. */
const headers = [
  ['Host', 'api.example.com'],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  ],
  ['Accept', 'application/json, text/plain, */*'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Authorization', `Bearer ${'k'.repeat(200)}`],
  ['Cache-Control', 'no-cache'],
  ['Cookie', `session=${'c'.repeat(180)}; theme=dark`],
  ['Referer', 'https://shop.example.com/orders/2026/11/overview?page=2'],
  ['X-Request-Id', '0b9f3c4e-6f0f-4c3e-9d4e-2f6f2f7f8f9f'],
  ['X-Forwarded-For', '203.0.113.7, 198.51.100.23'],
  ['X-Forwarded-Proto', 'https'],
] as const;

export function benchCall(body: Buffer): HookCall {
  return {
    request: RequestMessage.of(
      requestState({
        method: body.length > 0 ? 'POST' : 'GET',
        url: parseTarget('/orders/2026?page=2&size=50'),
        host: 'api.example.com',
        headers: HeaderList.fromRaw(headers.flat(), new Set(['Host'])),
        body,
      }),
    ),
    response: undefined,
    session: undefined,
    metadata: undefined,
    deadlineMs: performance.now() + 600_000,
    cancellation: new Cancellation(),
    trace: undefined,
  };
}

export function benchSet(driver: string, name: string, path: string, isolation: 'none' | 'process'): PluginSet {
  const hook = {
    index: 0,
    type: 'pre',
    driver,
    name,
    path,
    rawBodyOnly: false,
    requireSession: false,
    timeoutMs: 5000,
    onError: 'reject',
    isolation,
  } as const;
  return { digest: `${driver} ${name} ${isolation}`, apiId: 'bench', orgId: 'bench', hooks: [hook] };
}

/** The oldest child of this process whose command line begins so; others may wait in reserve. */
export function childPid(command = ''): number {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'latin1').split(' ').filter(Boolean),
  );
  const found = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(command));
  if (found.length === 0) throw new Error(`no child of this process is "${command}"`);
  return Math.min(...found.map(Number));
}

/** CPU time that a process has used, in microseconds; Linux counts it in hundredths of a second. */
export function cpuUsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

export interface Measured {
  readonly callsPerSecond: number;
  readonly hostUs: number;
}

/** Keep `inFlight` calls going for a while, and count. */
export async function measure(
  run: (hook: HookSpec, call: HookCall) => HookAnswer | Promise<HookAnswer>,
  hook: HookSpec,
  call: HookCall,
  { seconds, inFlight }: { readonly seconds: number; readonly inFlight: number },
): Promise<Measured> {
  let calls = 0;
  const beganMs = performance.now();
  const endMs = beganMs + seconds * 1000;
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < endMs) {
        await run(hook, call);
        calls++;
      }
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  return { callsPerSecond: (calls * 1000) / (performance.now() - beganMs), hostUs: (user + system) / calls };
}

export function figure(name: string, { callsPerSecond, hostUs }: Measured, guestUs?: number): string {
  const guest = guestUs === undefined ? '' : `, guest ${guestUs.toFixed(1)} us`;
  return `${name.padEnd(34)} ${Math.round(callsPerSecond).toString().padStart(8)} calls/s, host ${hostUs.toFixed(1)} us${guest}`;
}
