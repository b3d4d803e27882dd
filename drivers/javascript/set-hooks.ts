import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { type FailureReason, isFailureReason, PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { Host, LoadedHooks } from '../driver.ts';
import { callJson } from './call-json.ts';
import { type HookResult, toHookAnswer } from './hook-answer.ts';
import type { Pool, PooledSet } from './pool.ts';
import type { Generation } from './protocol.ts';
import { type FoundScript, findScript, scriptOrder } from './scripts.ts';

export interface SetSurroundings {
  readonly pool: Pool;
  readonly host: Host;
  /** Where paths of hooks start from, first to last. */
  readonly folders: readonly string[];
  readonly fullSessions: boolean;
  readonly missing: 'refuse' | 'failCalls';
}

/** Hooks that share a scope. */
interface Group {
  readonly generation: Generation;
  readonly hooks: readonly HookSpec[];
}

/**
 * Load the hooks of a set. Files of `otto` hooks share one scope; those of `javascript` hooks have one each. Event handlers are kept apart from
 * hooks, for they keep their globals.
 */
export async function loadSet(
  set: PluginSet,
  hooks: readonly HookSpec[],
  surroundings: SetSurroundings,
): Promise<LoadedHooks> {
  const loaded = new JavaScriptHooks(surroundings);
  const reports = new Map<HookSpec, HookReport>();
  await Promise.all(groupsOf(hooks).map((group) => loadGroup(set, group, surroundings, loaded, reports)));
  loaded.reports = hooks.map(
    (hook) => reports.get(hook) ?? { ready: false, reason: 'the guest did not report on this hook' },
  );
  return loaded;
}

function groupsOf(hooks: readonly HookSpec[]): Group[] {
  const groups = Map.groupBy(hooks, (hook) => {
    if (hook.type === 'event') return 'event';
    return hook.driver === 'javascript' ? `file ${hook.path} ${hook.code ?? ''}` : 'otto';
  });
  return [...groups].map(([name, members]) => ({
    generation: name.startsWith('file ') ? 'javascript' : 'otto',
    hooks: members,
  }));
}

async function loadGroup(
  set: PluginSet,
  { generation, hooks }: Group,
  { pool, host, folders, missing }: SetSurroundings,
  loaded: JavaScriptHooks,
  reports: Map<HookSpec, HookReport>,
): Promise<void> {
  const refuse = (hook: HookSpec, reason: string): void => {
    const whole = `hook "${hook.name}": ${reason}`;
    if (missing === 'refuse') return void reports.set(hook, { ready: false, reason: whole });
    host.log('error', `${whole}; its calls will fail`, { apiId: set.apiId });
    loaded.missing[hook.index] = whole;
    reports.set(hook, { ready: true, body: 'buffered' });
  };
  const found = new Map<HookSpec, FoundScript>();
  for (const hook of hooks) {
    const script = findScript(hook, folders);
    if ('reason' in script) refuse(hook, script.reason);
    else found.set(hook, script);
  }
  if (found.size === 0) return;
  // A file that is named twice runs once: what it does the second time is the same.
  const ordered = [...new Map(scriptOrder(found).map((script) => [script.name, script])).values()];
  const usable = hooks.filter((hook) => found.has(hook));
  const { apiId, orgId } = set;
  const { set: pooled, reports: said } = await pool.add(
    {
      apiId,
      orgId,
      generation,
      config: configOf(set),
      scripts: ordered.map(({ name, code }) => ({ name, code })),
      hooks: usable.map((hook) => ({
        index: hook.index,
        type: hook.type,
        name: hook.name,
        script: ordered.findIndex(({ name }) => name === found.get(hook)?.name),
        writesMeta: hook.requireSession && hook.type !== 'pre' && hook.type !== 'auth',
      })),
    },
    host,
  );
  loaded.sets.push(pooled);
  for (const [i, hook] of usable.entries()) {
    const reason = said?.[i];
    if (typeof reason === 'string') refuse(hook, `${found.get(hook)?.name}: ${reason}`);
    else {
      loaded.places[hook.index] = pooled;
      reports.set(hook, { ready: true, body: 'buffered' });
    }
  }
}

/** The third argument of hooks. */
function configOf({ orgId, apiId, configData, configDataDisabled }: PluginSet): string {
  const config = { OrgID: orgId, APIID: apiId };
  return JSON.stringify(configDataDisabled ? config : { ...config, config_data: configData ?? null });
}

class JavaScriptHooks implements LoadedHooks {
  reports: readonly HookReport[] = [];
  readonly sets: PooledSet[] = [];
  /** By hook index. */
  readonly places: (PooledSet | undefined)[] = [];
  /** By hook index: why it is not there. */
  readonly missing: (string | undefined)[] = [];
  private readonly surroundings: SetSurroundings;

  constructor(surroundings: SetSurroundings) {
    this.surroundings = surroundings;
  }

  async run(hook: HookSpec, call: HookCall): Promise<HookAnswer> {
    const set = this.places[hook.index];
    if (set === undefined) {
      throw new PluginFailure('HOOK_UNKNOWN', this.missing[hook.index] ?? `hook "${hook.name}" is not loaded`);
    }
    const { pool, fullSessions } = this.surroundings;
    const json = callJson(hook, call, fullSessions);
    const parts: Uint8Array[] = [Buffer.from(json, 'utf8')];
    const { body } = hook.type === 'response' && call.response !== undefined ? call.response : call.request;
    if (body.length > 0 && hook.type !== 'event') parts.push(body);
    const { deadlineMs, cancellation } = call;
    const dueMs = Math.ceil(Date.now() + deadlineMs - performance.now());
    const members = `"set":${set.install.set},"hook":${hook.index},"dueMs":${dueMs}`;
    const { message, timing } = await pool.call(set, { members, parts, deadlineMs, cancellation });
    if (message.failed !== undefined) throw this.failureOf(set, message.failed);
    return { ...toHookAnswer(hook, call, message.result as HookResult | undefined), timing };
  }

  async close(): Promise<void> {
    await Promise.all(this.sets.map((set) => this.surroundings.pool.remove(set)));
  }

  private failureOf({ install: { apiId } }: PooledSet, failed: unknown): PluginFailure {
    const { reason, message, stack } = failed as { reason: FailureReason; message: string; stack?: string };
    if (stack !== undefined) this.surroundings.host.log('error', message, { apiId, stack });
    return new PluginFailure(isFailureReason(reason) ? reason : 'HOOK_THREW', message);
  }
}
