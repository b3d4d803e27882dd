import type { BundleReport } from './plugin-set.ts';

/** What a coprocess that polls tells of one bundle: an offer, or how it stands with the bundle's server. */
export interface BundleNews {
  /** As definitions name it. */
  readonly bundle: string;
  /** A revision, verified and unpacked, that is to be tried: it counts once nobody who uses the bundle refuses it. */
  readonly offer?: BundleReport;
  /** `offer` is what the coprocess has taken for good already: for those that cannot be served with what they asked for. */
  readonly settled?: boolean;
  /** Without an offer: why there is no newer revision; the last good one serves. Absent: all is well. */
  readonly problem?: string;
}

/** What became of an offered revision. */
export interface BundleVerdict {
  readonly bundle: string;
  /** Digest of the revision's content. */
  readonly digest: string;
  /** Why it cannot be used; absent: it serves. */
  readonly refused?: string;
}

/** Someone who uses bundles, towards a coprocess that polls for new revisions of them. */
export interface BundleUser {
  /** All bundles in use from now on. */
  use(bundles: Iterable<string>): void;
  judge(verdict: BundleVerdict): void;
  /** Uses none any more. */
  close(): void;
}
