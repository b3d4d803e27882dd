import type { SetReport } from '../contract/plugin-set.ts';
import type { Api } from './definitions/api.ts';
import { toBundleSet } from './definitions/plugin-set.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';

/** What a revision was made from. */
export interface Origin {
  readonly definition: Api;
  /** Content of its bundle; absent without one. */
  readonly bundleDigest: string | undefined;
  /** State of its plugin files outside of bundles; absent without any. */
  readonly pluginFiles: string | undefined;
}

/** Whether nothing has changed. The loader gives the same object for a definition that is as it was. */
export function sameOrigin(a: Origin, b: Origin | undefined): boolean {
  return (
    b !== undefined &&
    a.definition === b.definition &&
    a.bundleDigest === b.bundleDigest &&
    a.pluginFiles === b.pluginFiles
  );
}

/**
 * What the coprocesses say of bundles, each asked for once in a load of all APIs. Each is held until the load ends, so that all APIs
 * that name it get the same content.
 */
export class BundleReports {
  private readonly dispatcher: Dispatcher;
  private readonly signal: AbortSignal;
  private readonly reports = new Map<string, Promise<SetReport>>();

  /** @param signal ends the wait for coprocesses. */
  constructor(dispatcher: Dispatcher, signal: AbortSignal) {
    this.dispatcher = dispatcher;
    this.signal = signal;
  }

  /** Undefined for an API without a bundle. */
  of({ plugins }: Api): Promise<SetReport | undefined> {
    const { bundle } = plugins;
    if (bundle === '') return Promise.resolve(undefined);
    let report = this.reports.get(bundle);
    if (report === undefined) {
      report = this.dispatcher.install(toBundleSet(bundle), this.signal);
      this.reports.set(bundle, report);
    }
    return report;
  }

  close(): void {
    for (const bundle of this.reports.keys()) this.dispatcher.uninstall(toBundleSet(bundle).digest);
  }
}
