import { performance } from 'node:perf_hooks';
import type { HookReport } from '../../contract/plugin-set.ts';
import type { Message } from '../guest/frame.ts';
import { type GuestHost, type RunningCall, serveHost } from '../guest/node-half.ts';
import { bytesText } from './body-text.ts';
import { Outgoing } from './outgoing.ts';
import type { GuestSettings, Install, LogLine } from './protocol.ts';
import { LimitExceeded, Sandbox } from './sandbox.ts';
import { startWatchdog } from './watchdog.ts';

/**
 * The program of a JavaScript guest: sets of scripts come and go, each in an isolate of its own. It asks the host for what scripts want of
 * the gateway, and sends their HTTP requests itself.
 */
serveHost((host) => {
  process.title = 'javascript guest';
  const sandboxes = new Map<number, Sandbox>();
  let settings: GuestSettings | undefined;
  let outgoing: Outgoing | undefined;
  const guard = startWatchdog();

  function load(message: Message): HookReport[] {
    settings = (message as unknown as { settings: GuestSettings }).settings;
    outgoing = new Outgoing(settings.privateAddresses);
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
    new HookRun(call, sandbox, host, outgoing as Outgoing, (settings as GuestSettings).cpuMs).go();
  }

  return { language: `javascript (V8 ${process.versions.v8})`, concurrency: 1024, session: 'json', load, run };
});

/** Steps that wait for the host, in one run of a hook. */
const maxHostCalls = 1000;

/** One run of a hook: once, or again and again with ever more results of what it asks for. */
class HookRun {
  private readonly call: RunningCall;
  private readonly sandbox: Sandbox;
  private readonly host: GuestHost;
  private readonly outgoing: Outgoing;
  private readonly request: string;
  private readonly body: string;
  private readonly results: string[] = [];
  private leftMs: number;
  private logged = 0;
  private readonly abort = new AbortController();

  constructor(call: RunningCall, sandbox: Sandbox, host: GuestHost, outgoing: Outgoing, cpuMs: number) {
    this.call = call;
    this.sandbox = sandbox;
    this.host = host;
    this.outgoing = outgoing;
    this.leftMs = Math.min(cpuMs, call.message.timeoutMs as number);
    this.request = (call.parts[0] as Buffer).toString('utf8');
    const body = call.parts[1];
    this.body = body === undefined || body.length === 0 ? '' : bytesText(body);
  }

  go(): void {
    const { call, sandbox } = this;
    const start = performance.now();
    try {
      const journal = this.results.length === 0 ? '' : `[${this.results.join()}]`;
      const entered = sandbox.enter(
        call.message.hook as number,
        this.request,
        this.body,
        journal,
        this.logged,
        this.leftMs,
      );
      if (entered.logs.length > 0) {
        this.logged += entered.logs.length;
        log(this.host, sandbox.install, entered.logs);
      }
      if (entered.kind === 'done') call.answer(entered.json === '' ? '' : `,"result":${entered.json}`);
      else if (entered.kind === 'error') call.answer(`,"failed":${entered.json}`);
      else void this.serve(JSON.parse(entered.json) as [string, ...unknown[]], performance.now() - start);
    } catch (error) {
      const reason = error instanceof LimitExceeded ? 'HOOK_TIMED_OUT' : 'HOOK_THREW';
      call.answer(failure(reason, (error as Error).message));
    }
  }

  private async serve([service, ...args]: [string, ...unknown[]], usedMs: number): Promise<void> {
    const { call } = this;
    this.leftMs -= usedMs;
    if (this.results.length >= maxHostCalls || this.leftMs <= 0) {
      return call.answer(failure('HOOK_TIMED_OUT', `it asked the host ${this.results.length} times`));
    }
    let over = false;
    call.onCancel = () => {
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
          ? await this.outgoing.request(args[0] as string, this.abort.signal)
          : service === 'batch'
            ? await this.outgoing.batch(args[0] as string, this.abort.signal)
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
