/** What is wrong with a definition, at one place of it. */
export interface Problem {
  /** Path of the value, as `proxy.target_url` or `version_data.versions.v1.expires`; empty for the document. */
  readonly path: string;
  readonly what: string;
  /** What to change, as an instruction. */
  readonly cure: string;
  /** Name of the feature that we do not have, as `definitions.ignoreFeatures` takes it. */
  readonly feature?: string;
}

/**
 * - `unreadable`: no JSON, or a value of a wrong type. - `invalid`: a value that cannot be honoured. - `feature`: asks for what we do not
 *   have.
 */
export type RefusalKind = 'unreadable' | 'invalid' | 'feature';

/** A definition that is not served, and why; all reasons at once. */
export interface Refusal {
  readonly source: string;
  readonly kind: RefusalKind;
  readonly problems: readonly Problem[];
  /** What could be read of the API: where it would have answered. */
  readonly id: string;
  readonly listenPath: string;
  readonly domain: string;
}

/** One line for each problem: file, place, what and cure. */
export function refusalLines(refusal: Refusal): readonly string[] {
  return refusal.problems.map((problem) => problemLine(refusal.source, problem));
}

function problemLine(source: string, problem: Problem): string {
  const place = problem.path === '' ? source : `${source}: ${problem.path}`;
  return `${place}: ${problem.what}; ${problem.cure}`;
}

/** Collects what reading one definition brings to light. */
export class Report {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  kind: RefusalKind | undefined;
  private readonly source: string;
  private readonly ignoredFeatures: readonly string[];
  private readonly origin: (path: string) => string;

  /**
   * @param ignoredFeatures what the operator knowingly does without.
   * @param origin where a path was in the document that the user wrote.
   */
  constructor(source: string, ignoredFeatures: readonly string[], origin: (path: string) => string = (path) => path) {
    this.source = source;
    this.ignoredFeatures = ignoredFeatures;
    this.origin = origin;
  }

  wrongType(path: string, expected: string, value: unknown): void {
    this.add('unreadable', { path, what: `must be ${expected}, got ${shown(value)}`, cure: `write ${expected}` });
  }

  invalid(path: string, what: string, cure: string): void {
    this.add('invalid', { path, what, cure });
  }

  /** The definition asks for what we do not have: a problem, or a warning when the operator does without. */
  feature(path: string, feature: string, what: string, cure: string): void {
    if (this.ignoredFeatures.includes(feature)) this.warn(path, `${what}; the feature "${feature}" is ignored`);
    else
      this.add('feature', { path, what, cure: `${cure}, or list "${feature}" in definitions.ignoreFeatures`, feature });
  }

  warn(path: string, what: string): void {
    this.warnings.push(`${this.source}: ${this.origin(path)}: ${what}`);
  }

  private add(kind: RefusalKind, problem: Problem): void {
    const path = this.origin(problem.path);
    // A field that is read twice is one problem.
    if (this.problems.some((known) => known.path === path && known.what === problem.what)) return;
    this.problems.push({ ...problem, path });
    if (this.kind === undefined || severity[kind] > severity[this.kind]) this.kind = kind;
  }
}

const severity: Record<RefusalKind, number> = { feature: 0, invalid: 1, unreadable: 2 };

/** A value, short, for a message. Long texts are cut; they may hold secrets. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = String(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}..."` : text;
}
