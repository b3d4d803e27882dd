import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookCall } from '../../../contract/call.ts';
import { Cancellation } from '../../../contract/cancellation.ts';
import { HeaderList } from '../../../contract/header-list.ts';
import type { HookReport, HookSpec, PluginSet } from '../../../contract/plugin-set.ts';
import { RequestMessage } from '../../../contract/request-message.ts';
import { requestState } from '../../../contract/request-state.ts';
import { parseTarget } from '../../../contract/url.ts';
import type { Driver, LoadedHooks } from '../../../drivers/driver.ts';
import { createJavaScriptDriver, type JavaScriptDriverOptions } from '../../../drivers/javascript/index.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
}

export interface Scripts {
  /** Load scripts as one API's hooks; each name is a `pre` hook of the first file, unless `hooks` says more. */
  load(files: Record<string, string>, hooks?: readonly Partial<HookSpec>[], set?: Partial<PluginSet>): Promise<Loaded>;
  readonly log: LogLine[];
  /** What scripts asked of the gateway. */
  readonly asked: { service: string; args: unknown }[];
  answer: (service: string, args: unknown) => unknown;
  readonly driver: Driver;
}

export interface Loaded {
  readonly reports: readonly HookReport[];
  run(hook?: number, request?: CallParts): Promise<HookAnswer>;
}

export interface CallParts {
  readonly url?: string;
  readonly body?: Buffer | string;
  readonly headers?: readonly string[];
  readonly timeoutMs?: number;
}

/** A driver of its own, and a folder for its scripts. */
export async function withJavaScript(
  options: Partial<JavaScriptDriverOptions>,
  use: (scripts: Scripts) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'interpose-javascript-'));
  const log: LogLine[] = [];
  const driver = createJavaScriptDriver({
    processes: 1,
    ...options,
    pluginsFolders: [folder],
    log: (level, message) => log.push({ level, message }),
  });
  const opened: LoadedHooks[] = [];
  const scripts: Scripts = {
    log,
    asked: [],
    answer: () => null,
    driver,
    async load(files, wanted = [{}], set = {}) {
      const place = await mkdtemp(join(folder, 'api-'));
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(place, name)), { recursive: true });
        await writeFile(join(place, name), text);
      }
      const [first] = Object.keys(files);
      const specs = wanted.map(
        (hook, index): HookSpec => ({
          index,
          type: 'pre',
          driver: 'otto',
          name: 'hook',
          rawBodyOnly: false,
          requireSession: false,
          timeoutMs: 5000,
          onError: 'reject',
          ...hook,
          path: join(place, hook.path ?? (first as string)),
        }),
      );
      const whole: PluginSet = { digest: place, apiId: 'orders', orgId: 'acme', ...set, hooks: specs };
      const host = {
        log: (level: string, message: string) => void log.push({ level, message }),
        request: async (service: string, args: unknown) => {
          scripts.asked.push({ service, args });
          return scripts.answer(service, args);
        },
      };
      const hooks = await driver.load(whole, specs, host);
      opened.push(hooks);
      return {
        reports: hooks.reports,
        run: async (index = 0, parts = {}) => hooks.run(specs[index] as HookSpec, toCall(parts)),
      };
    },
  };
  try {
    await use(scripts);
  } finally {
    for (const hooks of opened) await hooks.close();
    await driver.close();
    await rm(folder, { recursive: true });
  }
}

function toCall({ url = '/orders?a=1', body = '', headers = [], timeoutMs = 5000 }: CallParts): HookCall {
  const state = requestState({
    method: 'POST',
    url: parseTarget(url),
    host: 'shop.example',
    headers: new HeaderList([...headers]),
    body: Buffer.from(body as string),
  });
  return {
    request: RequestMessage.of(state),
    response: undefined,
    session: undefined,
    metadata: undefined,
    deadlineMs: performance.now() + timeoutMs,
    cancellation: new Cancellation(),
    trace: undefined,
  };
}

/** A script whose hook does this, and answers with the request. */
export function hookText(body: string, around = ''): string {
  return `${around}
    var hook = new TykJS.TykMiddleware.NewMiddleware({});
    hook.NewProcessRequest(function (request, session, config) {
      ${body}
      return hook.ReturnData(request, {});
    });`;
}

/** The value that an answer gives a header. */
export function headerOf(answer: HookAnswer, name: string): string | undefined {
  return answer.request?.setHeaders?.find(([key]) => key === name)?.[1];
}

export async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    return (error as Error & { reason?: string }).reason ?? String(error);
  }
  return 'it did not fail';
}
