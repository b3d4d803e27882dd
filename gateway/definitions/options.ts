import type { PathMatching } from './endpoint-path.ts';

/** What of a gateway's configuration decides how definitions are read. */
export interface DefinitionOptions {
  /** Names of features that a definition may ask for in vain: see `featureNames`. */
  readonly ignoreFeatures: readonly string[];
  /** Drivers that exist. */
  readonly drivers: readonly string[];
  /** Names of Python environments; undefined: the coprocess, which has them, is another process and tells when it loads the hooks. */
  readonly pythonEnvironments: readonly string[] | undefined;
  /** Longest run of a hook that says none itself, in milliseconds. */
  readonly hookTimeoutMs: number;
  /** The same for hooks of single drivers. */
  readonly driverTimeoutMs: Readonly<Record<string, number>>;
  /** The operator's second word for auth hooks with `onError: continue`. */
  readonly authMayContinue: boolean;
  readonly matching: PathMatching;
  /** Domains of definitions are honoured. */
  readonly customDomains: boolean;
  /** Virtual endpoints may carry their script in the definition. */
  readonly virtualBlobs: boolean;
  /** Values of `secrets://KEY` and `$secret_conf.KEY`. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Environment for `env://NAME` and `$secret_env.NAME`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const defaultDefinitionOptions: DefinitionOptions = {
  ignoreFeatures: [],
  drivers: ['grpc', 'typescript', 'javascript', 'otto', 'python', 'lua'],
  pythonEnvironments: undefined,
  hookTimeoutMs: 5000,
  driverTimeoutMs: {},
  authMayContinue: false,
  matching: { prefix: false, suffix: false },
  customDomains: false,
  virtualBlobs: true,
  secrets: {},
  env: process.env,
};
