import { Client, type ServiceError, status } from '@grpc/grpc-js';
import type { BundleNews, BundleVerdict } from '../../contract/bundle-news.ts';
import { linkVersion } from '../../contract/link/fields.ts';
import type { PluginSet, SetReport } from '../../contract/plugin-set.ts';
import { grpcTarget, type LinkSettings } from './link-options.ts';
import { LinkStream } from './link-stream.ts';
import type { Route } from './route.ts';
import { UnaryRoute } from './unary-route.ts';

/** What a peer needs of the dispatcher around it. */
export interface PeerOwner {
  /** Plugin sets that must be installed before a peer is called. */
  wanted(): Iterable<PluginSet>;
  /** Bundles that are in use. */
  readonly bundles: ReadonlySet<string>;
  /** A coprocess tells of a bundle. */
  bundleNews(route: Route, news: BundleNews): void;
  /** A set was loaded, or not, over this route. Returns whether the report fits those of the others. */
  reported(route: Route, report: SetReport): boolean;
  /** A route is over. */
  ended(route: Route): void;
  /** The peer can be asked to install, can be called, or cannot any more. */
  changed(): void;
}

/**
 * One coprocess address. Attaches, and attaches anew whenever the stream ends, for as long as it is open. After attaching, every wanted
 * plugin set is installed before the first call is sent.
 */
export class LinkPeer {
  readonly target: string;
  /** Where calls go; undefined: nowhere. */
  route: Route | undefined;
  /** The first attempt to attach has come to something, good or bad. */
  tried = false;
  /** What calls go over is about to end. */
  draining = false;
  /** Why it cannot be called. */
  problem = 'it has not answered yet';

  private readonly settings: LinkSettings;
  private readonly owner: PeerOwner;
  /** An attempt to attach, or the successor of a stream that is about to end. */
  private coming: LinkStream | undefined;
  /** Whether what is coming was welcomed. */
  private attached = false;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(target: string, settings: LinkSettings, owner: PeerOwner) {
    this.target = target;
    this.settings = settings;
    this.owner = owner;
    this.attach();
  }

  /** Where sets can be installed now: also where calls will go soon. */
  get installRoutes(): readonly Route[] {
    return [this.route, this.attached ? this.coming : undefined].filter((route) => route !== undefined);
  }

  uninstall(digest: string): void {
    this.coming?.uninstall(digest);
    this.route?.uninstall(digest);
  }

  useBundles(bundles: ReadonlySet<string>): void {
    for (const stream of this.streams()) stream.useBundles(bundles);
  }

  judgeBundle(verdict: BundleVerdict): void {
    for (const stream of this.streams()) stream.judgeBundle(verdict);
  }

  private streams(): readonly LinkStream[] {
    return this.installRoutes.filter((route) => route instanceof LinkStream);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.coming?.end();
    this.route?.end();
    this.route = undefined;
  }

  private attach(): void {
    const client = new Client(grpcTarget(this.target), this.settings.credentials, this.settings.channel);
    const stream = new LinkStream(client, this.target, this.settings, {
      welcome: (welcome) => {
        clearTimeout(patience);
        if (welcome.version === linkVersion) void this.prepare(stream, welcome.coprocessId);
        else stream.end(new VersionMismatch(welcome.version));
      },
      draining: () => {
        if (this.route !== stream) return;
        // Its successor is looked for while it still serves.
        this.draining = true;
        this.attachAfter(reconnectMs.first);
        this.owner.changed();
      },
      bundleNews: (news) => this.owner.bundleNews(stream, news),
      ended: (error) => {
        clearTimeout(patience);
        client.close();
        this.owner.ended(stream);
        this.ended(stream, error);
      },
    });
    const patience = setTimeout(() => stream.end(new Error(`it has not answered for ${attachMs} ms`)), attachMs);
    this.coming = stream;
    this.attached = false;
  }

  private attachAfter(waitMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.attach(), waitMs);
  }

  /** Install all that is wanted. Each set can be called as soon as it is there; while a predecessor serves, all must be there first. */
  private async prepare(stream: LinkStream, coprocessId: string): Promise<void> {
    this.settings.log('info', 'attached to a coprocess', { target: this.target, coprocess: coprocessId });
    this.attached = true;
    this.tried = true;
    this.failures = 0;
    this.problem = '';
    const installing = [...this.owner.wanted()].map((set) => this.install(stream, set));
    if (this.owner.bundles.size > 0) stream.useBundles(this.owner.bundles);
    if (this.route === undefined) this.callOver(stream);
    else this.owner.changed();
    await Promise.all(installing);
    if (this.coming === stream) this.callOver(stream);
  }

  /** Others serve all that this one does: if it is about to end, let it go now. */
  spare(): void {
    if (!this.draining) return;
    this.draining = false;
    const { route } = this;
    this.route = undefined;
    route?.leave();
  }

  private callOver(stream: LinkStream): void {
    this.route?.leave();
    this.route = stream;
    this.coming = undefined;
    this.draining = false;
    this.owner.changed();
  }

  private async install(stream: LinkStream, set: PluginSet): Promise<void> {
    const report = await stream.install(set);
    if (report !== undefined && !this.owner.reported(stream, report)) this.installLater(stream, set, reinstallMs.first);
  }

  /** What it could not load, or not as the others did, it may be able to load later: its bundle server was down, say. */
  private installLater(stream: LinkStream, set: PluginSet, waitMs: number): void {
    const timer = setTimeout(async () => {
      if (![...this.owner.wanted()].includes(set)) return;
      stream.uninstall(set.digest);
      const report = await stream.install(set);
      if (report === undefined || this.owner.reported(stream, report)) return;
      this.installLater(stream, set, Math.min(waitMs * 2, reinstallMs.longest));
    }, waitMs);
    timer.unref();
  }

  private ended(stream: LinkStream, error: Error | undefined): void {
    const wasComing = this.coming === stream;
    if (wasComing) this.coming = undefined;
    else if (this.route === stream) {
      this.route = undefined;
      this.draining = false;
    }
    // Else it was left for its successor.
    else return;
    if (this.closed) return;
    this.tried = true;
    const code = wasComing && !this.attached ? codeOf(error) : undefined;
    if (code === status.UNIMPLEMENTED) {
      this.useUnary();
    } else {
      this.note(error, code);
      if (this.coming === undefined) this.attachAfter(this.nextWaitMs(code));
    }
    this.owner.changed();
  }

  private note(error: Error | undefined, code: status | undefined): void {
    const problem = error === undefined ? 'the stream ended' : ((error as ServiceError).details ?? error.message);
    if (problem === this.problem) return;
    this.problem = problem;
    const level = code === status.FAILED_PRECONDITION ? 'error' : 'warn';
    this.settings.log(level, 'no link to a coprocess', { target: this.target, reason: problem });
  }

  private nextWaitMs(code: status | undefined): number {
    if (code === status.FAILED_PRECONDITION) return refusedMs;
    return Math.min(reconnectMs.first * 2 ** this.failures++, reconnectMs.longest);
  }

  private useUnary(): void {
    this.failures = 0;
    if (this.route instanceof UnaryRoute) return;
    const lost = (): void => {
      // When it comes back it may be something else.
      if (!this.closed && this.coming === undefined) this.attachAfter(reconnectMs.first);
    };
    const route = new UnaryRoute(this.target, this.settings, lost);
    this.route = route;
    for (const set of this.owner.wanted()) this.owner.reported(route, route.load(set));
    this.settings.log('info', 'a coprocess target is a plain plugin server: hooks are called one by one', {
      target: this.target,
    });
  }
}

class VersionMismatch extends Error {
  readonly code = status.FAILED_PRECONDITION;

  constructor(version: number) {
    super(
      `the coprocess speaks version ${version} of the link, this gateway version ${linkVersion}: run the same release on both sides`,
    );
  }
}

function codeOf(error: Error | undefined): status | undefined {
  return (error as ServiceError | undefined)?.code;
}

/** Waits between attempts to attach, in milliseconds; doubled each time. The longest is half of the second in which a coprocess that is back is to be called again. */
const reconnectMs = { first: 100, longest: 500 } as const;

/** Wait after a coprocess of another version refused, in milliseconds: only a new release can cure that. */
const refusedMs = 30_000;

/** Longest wait for a Welcome, in milliseconds. */
const attachMs = 5_000;

/** Waits before a set that could not be installed after attaching is tried again, in milliseconds; doubled each time. */
const reinstallMs = { first: 1_000, longest: 30_000 } as const;
