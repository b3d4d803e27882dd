import { randomUUID } from 'node:crypto';
import type { Tracing as TracingConfiguration } from '../../gateway/configuration/index.ts';
import type { Log } from '../logs/log.ts';
import type { Tracing } from './open-tracing.ts';
import { type Role, settleTracing } from './settings.ts';

export interface TracingOptions {
  /** `tracing` of the configuration: defaults under the standard `OTEL_*` variables. */
  readonly configuration: TracingConfiguration | undefined;
  readonly role: Role;
  /** Of this program, as `service.version`. */
  readonly version: string;
  readonly log: Log;
}

/**
 * Set up tracing as the configuration and the `OTEL_*` variables say. Undefined: neither asks for it; OpenTelemetry's libraries are then
 * not even loaded.
 * @throws {Error} when a protocol is asked for that is not offered.
 */
export async function createTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { configuration, role, version, log } = options;
  const settings = settleTracing(configuration, role, process.env, (message) => log('warn', message));
  if (settings === undefined) return undefined;
  const [{ openProvider }, { tracingOver }] = await Promise.all([import('./provider.ts'), import('./open-tracing.ts')]);
  const provider = await openProvider(settings, { version, instanceId: randomUUID() }, log);
  return tracingOver(provider, settings);
}
