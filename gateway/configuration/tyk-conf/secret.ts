import type { Environment } from '../environment.ts';
import type { TykConf } from './table.ts';

/**
 * Secrets of a tyk.conf may be references: `env://X` is the environment variable TYK_SECRET_X, `secrets://X` an entry of `secrets`.
 * One that leads nowhere is empty, so that it opens nothing.
 */
export function readSecret<Text extends string | undefined>(conf: TykConf, text: Text, environment: Environment): Text {
  const [, kind, key] = /^(env|secrets):\/\/(.+)$/.exec(text ?? '') ?? [];
  if (kind === undefined || key === undefined) return text;
  const value =
    kind === 'secrets'
      ? conf.secrets?.[key]
      : (environment[`TYK_SECRET_${key.toUpperCase()}`] ?? environment[`TYK_SECRET_${key}`]);
  return (value ?? '') as Text;
}
