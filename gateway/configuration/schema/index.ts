import { z } from 'zod';
import { control, errors, limits, listeners, routing, upstream } from './network.ts';
import { flag, section } from './parts.ts';
import {
  bundles,
  coprocess,
  definitions,
  guests,
  javascript,
  lua,
  plugins,
  policies,
  python,
  servers,
  typescript,
} from './plugins.ts';
import { analytics, keys, store } from './state.ts';
import { log, metrics, tracing } from './telemetry.ts';

/** The configuration file: every key optional, unknown keys refused. */
export const configurationSchema = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'Where editors find this schema; ignored' }),
    listeners,
    control,
    definitions,
    policies,
    plugins,
    bundles,
    coprocess,
    servers,
    store,
    keys,
    routing,
    upstream,
    tracing,
    metrics,
    analytics,
    log,
    limits,
    errors,
    contract: section('Switches of the plugin contract', {
      keepHeaderCase: flag(false, 'Header names go on as plugins wrote them, instead of as `X-Name`'),
    }),
    guests,
    javascript,
    typescript,
    python,
    lua,
  })
  .meta({ title: 'Interpose configuration', description: 'Configuration of the interpose gateway and coprocess' });

/** What users write. Every key has a default. */
export type UserConfiguration = z.input<typeof configurationSchema>;
/** The same with defaults filled in, and all else as it was written. */
export type CheckedConfiguration = z.output<typeof configurationSchema>;

/** The parts of a JSON Schema that our messages, environment overlay and docs go by. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly unit?: string;
  readonly writeOnly?: boolean;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

let node: SchemaNode | undefined;

/** The published JSON Schema (draft 2020-12). */
export function jsonSchema(): SchemaNode {
  node ??= z.toJSONSchema(configurationSchema, { io: 'input', target: 'draft-2020-12' }) as SchemaNode;
  return node;
}
