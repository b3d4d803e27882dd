import type { HookReport } from '../../contract/plugin-set.ts';
import type { Hook } from '../../sdk/hook.ts';
import type { HookConstants } from '../../sdk/runtime/context.ts';
import { type Answer, AnswerError, runHook } from '../../sdk/runtime/run.ts';
import type { Message } from '../guest/frame.ts';
import { type GuestHost, type RunningCall, serveHost } from '../guest/node-half.ts';
import { findHook, type WantedHook } from './check-hook.ts';
import { FrameCall } from './frame-call.ts';
import { describeThrown } from './thrown.ts';

/**
 * The program of a TypeScript guest: it imports the bundled modules that it is told of, and runs their hooks. It is bundled into one file
 * before it is started (build.ts), so what it imports costs nothing at start.
 */

interface Load {
  readonly set: { readonly apiId: string; readonly orgId: string; readonly config: Record<string, unknown> };
  readonly hooks: readonly (WantedHook & { readonly index: number } & Module)[];
  readonly folder: string;
}

/** The bundled module of a hook, or why there is none. */
type Module = { readonly module: string } | { readonly reason: string };

interface LoadedHook {
  readonly hook: Hook;
  readonly constants: HookConstants;
}

serveHost((host) => {
  const hooks = new Map<number, LoadedHook>();
  let folder = '';

  // One request's stray promise must not take all others down with it.
  process.on('unhandledRejection', (error) => {
    const { message, stack } = describeThrown(error, folder);
    host.log('error', `a promise was rejected and nobody handled it: ${message}`, { stack });
  });

  async function load(message: Message): Promise<HookReport[]> {
    const { set, hooks: wanted, folder: sources } = message as unknown as Load;
    folder = sources;
    // So that an operator sees in `ps` whose guest it is.
    process.title = `typescript guest of ${set.apiId}`;
    return Promise.all(
      wanted.map(async (want) => {
        if ('reason' in want) return { ready: false, reason: want.reason };
        try {
          const found = findHook(await import(want.module), want);
          if ('hook' in found)
            hooks.set(want.index, { hook: found.hook, constants: constantsOf(set, want.name, host) });
          return found.report;
        } catch (error) {
          return {
            ready: false,
            reason: `${want.path} failed while loading: ${describeThrown(error, folder).message}`,
          };
        }
      }),
    );
  }

  function run(call: RunningCall): void {
    const loaded = hooks.get(call.message.hook as number);
    if (loaded === undefined) return call.fail('HOOK_UNKNOWN', `hook ${String(call.message.hook)} is not loaded`);
    const fail = (error: unknown): void => {
      const { message, stack } = describeThrown(error, folder);
      call.fail(error instanceof AnswerError ? 'REPLY_INVALID' : 'HOOK_THREW', message, stack);
    };
    try {
      const { context, answer } = runHook(loaded.hook, loaded.constants, new FrameCall(call.message, call.parts));
      if (answer instanceof Promise) {
        call.onCancel = () => context.cancel('nobody waits for this hook any more');
        answer.then((value) => send(call, value)).catch(fail);
      } else send(call, answer);
    } catch (error) {
      fail(error);
    }
  }

  return { language: `typescript (node ${process.version})`, concurrency: 1024, session: 'protobuf', load, run };
});

function send(call: RunningCall, { members, parts }: Answer): void {
  const json = JSON.stringify(members);
  call.answer(json === '{}' ? '' : `,${json.slice(1, -1)}`, parts);
}

function constantsOf({ apiId, orgId, config }: Load['set'], hook: string, host: GuestHost): HookConstants {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) =>
    host.log(level, String(message), { ...fields, hook });
  return {
    apiId,
    orgId,
    config,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    ask: (service, args) => host.request(service, args),
  };
}
