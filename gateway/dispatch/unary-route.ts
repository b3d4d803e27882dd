import { performance } from 'node:perf_hooks';
import { type CallOptions, Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { HookOutcome } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { decodeAnswer, encodeObject, type ObjectConstants, objectConstants } from '../../contract/object.ts';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import type { HookSpec, PluginSet, SetReport } from '../../contract/plugin-set.ts';
import { failedRun, runHooks } from '../../contract/run-hooks.ts';
import { specMap } from '../../contract/spec-map.ts';
import type { HookRun } from './dispatcher.ts';
import { grpcTarget, type LinkSettings } from './link-options.ts';
import type { Route } from './route.ts';

interface UnarySet {
  readonly hooks: readonly HookSpec[];
  /** By hook index. */
  readonly constants: readonly ObjectConstants[];
}

/**
 * A coprocess target that serves `coprocess.Dispatcher` alone: a plain plugin server. Its hooks are called one by one with whole
 * Objects, and the edits of each are applied here before the next is called. It loads nothing, so it takes every set.
 */
export class UnaryRoute implements Route {
  private readonly target: string;
  private readonly settings: LinkSettings;
  private readonly lost: () => void;
  private readonly client: Client;
  private readonly sets = new Map<string, UnarySet>();
  private open = 0;
  private leaving = false;
  private unreachable = false;

  /** @param lost is called whenever the server cannot be reached. */
  constructor(target: string, settings: LinkSettings, lost: () => void) {
    this.target = target;
    this.settings = settings;
    this.lost = lost;
    this.client = new Client(grpcTarget(target), settings.credentials, settings.channel);
  }

  get full(): boolean {
    return this.open >= this.settings.maxQueuedCalls;
  }

  avoid(): boolean {
    return this.unreachable;
  }

  load(set: PluginSet): SetReport {
    const spec = specMap(set);
    this.sets.set(set.digest, { hooks: set.hooks, constants: set.hooks.map((hook) => objectConstants(hook, spec)) });
    return {
      digest: set.digest,
      hooks: set.hooks.map(({ type }) => ({
        ready: true,
        body: 'buffered',
        ...(type === 'response' && { requestBody: true }),
      })),
    };
  }

  install(set: PluginSet): Promise<SetReport> {
    return Promise.resolve(this.load(set));
  }

  uninstall(digest: string): void {
    this.sets.delete(digest);
  }

  /** It loads none. */
  lookAtFiles(names: readonly string[]): Promise<PluginFileStamps> {
    return Promise.resolve({ files: names.map(() => ''), beside: '' });
  }

  send(run: HookRun, call: HookCall): Promise<readonly HookOutcome[]> | readonly HookOutcome[] {
    const set = this.sets.get(run.digest);
    if (set === undefined) {
      return failedRun(
        run.hooks.length,
        new PluginFailure('HOOK_UNKNOWN', `the plugin set ${run.digest} is not installed`),
      );
    }
    const { contract } = this.settings;
    return runHooks(set.hooks, run.hooks, call, contract, (hook, current) => this.runHook(set, hook, current));
  }

  private runHook(set: UnarySet, hook: HookSpec, call: HookCall): Promise<HookOutcome> {
    const constants = set.constants[hook.index] as ObjectConstants;
    const began = performance.now();
    return new Promise((resolve) => {
      const answered = (outcome: Pick<HookOutcome, 'answer'> | Pick<HookOutcome, 'failure'>): void => {
        const wireUs = Math.round((performance.now() - began) * 1000);
        resolve({ ...outcome, timing: { queueUs: 0, wireUs, runUs: 0 } });
      };
      try {
        this.call(constants, call, Math.min(call.deadlineMs - began, hook.timeoutMs), answered);
      } catch (error) {
        answered({ failure: PluginFailure.from(error) });
      }
    });
  }

  private call(
    constants: ObjectConstants,
    call: HookCall,
    leftMs: number,
    answered: (outcome: Pick<HookOutcome, 'answer'> | Pick<HookOutcome, 'failure'>) => void,
  ): void {
    const options: CallOptions = { deadline: Date.now() + leftMs };
    const object = encodeObject(constants, call);
    this.open++;
    const running = this.client.makeUnaryRequest(
      '/coprocess.Dispatcher/Dispatch',
      asIs,
      asIs,
      object,
      traceMetadata(call),
      options,
      (error, reply) => {
        stopListening();
        this.ended(error);
        if (error !== null) {
          answered({ failure: this.failure(error) });
          return;
        }
        try {
          answered({ answer: decodeAnswer(constants.type, reply as Buffer, call) });
        } catch (thrown) {
          answered({ failure: PluginFailure.from(thrown) });
        }
      },
    );
    const stopListening = call.cancellation.onCancel(() => running.cancel());
  }

  private ended(error: ServiceError | null): void {
    this.open--;
    this.unreachable = error?.code === status.UNAVAILABLE;
    if (this.unreachable) this.lost();
    if (this.leaving && this.open === 0) this.client.close();
  }

  private failure(error: ServiceError): PluginFailure {
    const message = `plugin server ${this.target}: ${status[error.code]}: ${error.details}`;
    if (error.code === status.UNAVAILABLE) return new PluginFailure('DRIVER_UNAVAILABLE', message, { cause: error });
    if (error.code === status.DEADLINE_EXCEEDED) return new PluginFailure('HOOK_TIMED_OUT', message, { cause: error });
    if (error.code === status.CANCELLED) return new PluginFailure('CANCELLED', message, { cause: error });
    return new PluginFailure('HOOK_THREW', message, { cause: error });
  }

  leave(): void {
    this.leaving = true;
    if (this.open === 0) this.client.close();
  }

  /** Calls that are open end with their channel. */
  end(): void {
    this.client.close();
  }
}

const asIs = (bytes: Buffer): Buffer => bytes;

function traceMetadata({ trace }: HookCall): Metadata {
  const metadata = new Metadata();
  if (trace !== undefined) {
    metadata.set('traceparent', trace.traceparent);
    if (trace.tracestate !== undefined) metadata.set('tracestate', trace.tracestate);
  }
  return metadata;
}
