import type { HookReport } from '../../contract/plugin-set.ts';
import type { Message } from '../guest/frame.ts';
import { type GuestHost, type RunningCall, serveHost } from '../guest/node-half.ts';
import { bytesText } from './body-text.ts';
import { threadCpuMs } from './cpu-limit.ts';
import type { Outgoing } from './outgoing.ts';
import type { GuestSettings, Install, LogLine } from './protocol.ts';
import { type Entered, type Entering, LimitExceeded, Sandbox } from './sandbox.ts';
import { startWatchdog } from './watchdog.ts';

/**
 * The program of a JavaScript guest: sets of scripts come and go, each in an isolate of its own. It asks the host for what scripts want of
 * the gateway, and sends their HTTP requests itself.
 */
serveHost((host) => {
  process.title = 'javascript guest';
  const sandboxes = new Map<number, Sandbox>();
  let settings: GuestSettings | undefined;
  let opening: Promise<Outgoing> | undefined;
  /** Node's HTTP takes as long to load as all of the rest, and most scripts send no requests. */
  const outgoing = (): Promise<Outgoing> => {
    opening ??= import('./outgoing.ts').then(({ Outgoing }) => new Outgoing(settings?.privateAddresses === true));
    return opening;
  };
  const guard = startWatchdog();
  /** Calls that came together, and have not run. */
  let turn: HookRun[] = [];

  function load(message: Message): HookReport[] {
    settings = (message as unknown as { settings: GuestSettings }).settings;
    return [];
  }

  function install(call: RunningCall): void {
    const wanted = JSON.parse((call.parts[0] as Buffer).toString('utf8')) as Install;
    sandboxes.get(wanted.set)?.close();
    try {
      const sandbox = new Sandbox(wanted, settings as GuestSettings, guard);
      const { reports, logs } = sandbox.load();
      log(host, wanted, logs);
      sandboxes.set(wanted.set, sandbox);
      if (sandbox.sendsRequests) void outgoing();
      call.answer(
        `,"reports":${JSON.stringify(reports)}${sandbox.apart === undefined ? '' : `,"apart":${JSON.stringify(sandbox.apart)}`}`,
      );
    } catch (error) {
      const reports = wanted.hooks.map(() => (error as Error).message);
      call.answer(`,"reports":${JSON.stringify(reports)}`);
    }
  }

  function run(call: RunningCall): void {
    const { message } = call;
    if (message.install === true || message.remove === true) endTurn();
    if (message.install === true) return install(call);
    const set = message.set as number;
    if (message.remove === true) {
      sandboxes.get(set)?.close();
      sandboxes.delete(set);
      return call.answer('');
    }
    const sandbox = sandboxes.get(set);
    if (sandbox === undefined) return call.answer(',"missing":true');
    // It has waited behind others for longer than anybody waits for it.
    if (Date.now() > (message.dueMs as number))
      return call.answer(failure('HOOK_TIMED_OUT', 'its turn did not come in time'));
    turn.push(new HookRun(call, sandbox, host, outgoing, (settings as GuestSettings).cpuMs));
  }

  function endTurn(): void {
    const runs = turn;
    turn = [];
    for (let at = 0; at < runs.length; ) {
      const first = runs[at] as HookRun;
      let end = at + 1;
      while (end < runs.length && end - at < maxTogether && runs[end]?.sandbox === first.sandbox) end++;
      runTogether(runs.slice(at, end), (settings as GuestSettings).cpuMs);
      at = end;
    }
  }

  return { language: `javascript (V8 ${process.versions.v8})`, concurrency: 1024, session: 'json', load, run, endTurn };
});

/** Calls that run in one visit to their isolate: from here on a visit costs little, and the first waits for the last. */
const maxTogether = 16;

function runTogether(runs: readonly HookRun[], cpuMs: number): void {
  const [first] = runs;
  const entered = runs.length > 1 ? first?.sandbox.enterMany(runs, cpuMs) : undefined;
  for (const [i, run] of runs.entries()) {
    const own = entered?.[i];
    if (own === undefined) run.go();
    else run.settle(own);
  }
}

/** Steps that wait for the host, in one run of a hook. */
const maxHostCalls = 1000;

/** What a run that was stopped asks for, and what the clock and chance said in it. */
interface Stopped {
  readonly asked: readonly [string, ...unknown[]];
  readonly drawn: unknown;
}

/** One run of a hook: once, or again and again with ever more results of what it asks for. */
class HookRun implements Entering {
  readonly sandbox: Sandbox;
  readonly hook: number;
  readonly call: string;
  readonly body: string;
  readonly dueMs: number;
  private readonly running: RunningCall;
  private readonly host: GuestHost;
  private readonly outgoing: () => Promise<Outgoing>;
  private readonly results: string[] = [];
  private drawn = '';
  private leftMs: number;
  private logged = 0;
  private readonly abort = new AbortController();

  constructor(
    running: RunningCall,
    sandbox: Sandbox,
    host: GuestHost,
    outgoing: () => Promise<Outgoing>,
    cpuMs: number,
  ) {
    this.running = running;
    this.hook = running.message.hook as number;
    this.dueMs = running.message.dueMs as number;
    this.sandbox = sandbox;
    this.host = host;
    this.outgoing = outgoing;
    this.leftMs = Math.min(cpuMs, running.message.timeoutMs as number);
    this.call = (running.parts[0] as Buffer).toString('utf8');
    const body = running.parts[1];
    this.body = body === undefined || body.length === 0 ? '' : bytesText(body);
  }

  /** Run it, or run it again with one more result. */
  go(): void {
    const before = threadCpuMs();
    try {
      const journal = this.results.length === 0 ? '' : `{"results":[${this.results.join()}],"drawn":${this.drawn}}`;
      const entered = this.sandbox.enter(this, journal, this.logged, this.leftMs, before);
      this.settle(entered, before);
    } catch (error) {
      const reason = error instanceof LimitExceeded ? 'HOOK_TIMED_OUT' : 'HOOK_THREW';
      this.running.answer(failure(reason, (error as Error).message));
    }
  }

  /** What came of a run. @param before what the thread had used when it began; without it the run costs nothing. */
  settle({ kind, json, logs }: Entered, before?: number): void {
    if (logs.length > 0) {
      this.logged += logs.length;
      log(this.host, this.sandbox.install, logs);
    }
    if (kind === 'done') this.running.answer(json === '' ? '' : `,"result":${json}`);
    else if (kind === 'error') this.running.answer(`,"failed":${json}`);
    else void this.serve(JSON.parse(json) as Stopped, before === undefined ? 0 : threadCpuMs() - before);
  }

  private async serve({ asked: [service, ...args], drawn }: Stopped, usedMs: number): Promise<void> {
    this.leftMs -= usedMs;
    this.drawn = JSON.stringify(drawn);
    if (this.results.length >= maxHostCalls || this.leftMs <= 0) {
      return this.running.answer(failure('HOOK_TIMED_OUT', `it asked the host ${this.results.length} times`));
    }
    let over = false;
    this.running.onCancel = () => {
      over = true;
      this.abort.abort();
    };
    this.results.push(await this.answerOf(service, args));
    if (!over) this.go();
  }

  private async answerOf(service: string, args: unknown[]): Promise<string> {
    try {
      const value =
        service === 'http'
          ? await (await this.outgoing()).request(args[0] as string, this.abort.signal)
          : service === 'batch'
            ? await (await this.outgoing()).batch(args[0] as string, this.abort.signal)
            : await this.host.request(service, { set: this.sandbox.install.set, args });
      return JSON.stringify({ value: value ?? null });
    } catch (error) {
      return JSON.stringify({ error: (error as Error).message });
    }
  }
}

function failure(reason: string, message: string): string {
  return `,"failed":${JSON.stringify({ reason, message })}`;
}

function log(host: GuestHost, { apiId }: Install, lines: readonly LogLine[]): void {
  for (const [level, text] of lines) {
    if (level === 'raw') host.log('info', text, { apiId, type: 'rawlog' });
    else host.log(level, text, { apiId, prefix: 'jsvm', type: 'log-msg' });
  }
}
