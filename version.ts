import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Of this package, whether it runs from source or from `dist`. */
export function version(): string {
  const file = fileURLToPath(import.meta.resolve('interpose/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
