import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';

/** Cases of one subject: what is asked of APIs with these hooks, whatever language the hooks are written in. README.md tells of the format. */
export interface Subject {
  readonly name: string;
  /** The plugin file, one per language, that hooks are in which name none. */
  readonly plugin: string;
  readonly apis: Readonly<Record<string, ApiSpec>>;
  readonly cases: readonly Case[];
}

export const phases = ['pre', 'auth', 'postKeyAuth', 'post', 'response'] as const;
export type PhaseName = (typeof phases)[number];

export interface ApiSpec extends Partial<Readonly<Record<PhaseName, readonly (string | HookEntry)[]>>> {
  /** Members of a Classic definition, over what every API here has. */
  readonly definition?: Readonly<Record<string, unknown>>;
  /** Members of `x-tyk-api-gateway`: the definition is an OpenAPI document. */
  readonly oas?: Readonly<Record<string, unknown>>;
  /** The hooks come in a bundle. */
  readonly bundle?: boolean;
}

export interface HookEntry {
  readonly name: string;
  readonly plugin?: string;
  /** In place of the driver under test. */
  readonly driver?: string;
  /** Further members of the definition's entry. */
  readonly [member: string]: unknown;
}

export interface Case extends Step {
  readonly name: string;
  readonly api: string;
  /** Languages that have no such hook, with the reason. The case is run all the same, and must not come out. */
  readonly not?: Readonly<Record<string, string>>;
  /** In place of one request: several. */
  readonly steps?: readonly Step[];
}

export interface Step extends Expectation {
  readonly request?: {
    readonly method?: string;
    /** Below the listen path. @default 'get' */
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string | readonly string[]>>;
    readonly body?: string;
    readonly body64?: string;
    /** A text, so many times. */
    readonly repeat?: readonly [text: string, count: number];
  };
  /** What the plugins are asked to do: sent along as the header X-Do. */
  readonly do?: Readonly<Record<string, unknown>>;
  /** What the upstream answers. @default 200, text/plain, ok */
  readonly answers?: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string | readonly string[]>>;
    readonly body?: string;
    readonly body64?: string;
    readonly repeat?: readonly [text: string, count: number];
  };
  /** What is otherwise in a language, by the contract, and why. */
  readonly differs?: Readonly<Record<string, Expectation & { readonly why: string }>>;
}

/** What must be seen. What is not mentioned does not matter. */
export interface Expectation {
  /** `none`: it is not called. @default called once */
  readonly upstream?: 'none' | Seen;
  /** @default status 200 */
  readonly client?: Seen & { readonly status?: number };
  /** Hooks that ran, in their order, as `name` or `name outcome`; one of another API as `api.name`. @default all of the API, `continue` */
  readonly trace?: readonly string[];
}

export interface Seen {
  readonly method?: string;
  /** Path and query as they were on the wire. */
  readonly target?: string;
  /** A text is the one value, a list all values, null: not there. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** What the JSON in a header says, by header; only what is named is compared. */
  readonly says?: Readonly<Record<string, unknown>>;
  readonly body?: string;
  readonly body64?: string;
  /** What the body says as JSON, however it is written. */
  readonly json?: unknown;
  /** Bytes of the body. */
  readonly length?: number;
}

const folder = new URL('./cases/', import.meta.url);

/** All subjects, in the order of their names. */
export function loadSubjects(): Subject[] {
  return readdirSync(folder)
    .sort()
    .map((file) => ({
      ...(parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<Subject, 'name'>),
      name: basename(file, '.yaml'),
    }));
}

/** The hooks of an API in the order in which a request meets them. */
export function hooksOf(api: ApiSpec): { readonly phase: PhaseName; readonly entry: HookEntry }[] {
  return phases.flatMap((phase) =>
    (api[phase] ?? []).map((hook) => ({ phase, entry: typeof hook === 'string' ? { name: hook } : hook })),
  );
}

export function apiId(subject: Subject, api: string): string {
  return `${subject.name}-${api}`;
}
