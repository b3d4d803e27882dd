import { BundleError } from './problem.ts';

/** Longest name of a file within a bundle, folders included, and of one part of it: what every file system takes. */
const maxPathBytes = 1024;
const maxPartBytes = 255;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
const unusable = /[\u0000-\u001f\u007f\\:]/;

/**
 * The parts of a file's path within a bundle; a folder's ends in a slash. Only plain relative paths pass: nothing that could lead out of
 * the bundle's folder, on any system.
 *
 * @throws {BundleError}
 */
export function checkedPath(path: string): readonly string[] {
  const name = path.endsWith('/') ? path.slice(0, -1) : path;
  if (name === '' || name.startsWith('/') || Buffer.byteLength(path) > maxPathBytes) throw refused(path);
  if (unusable.test(name) || name.includes('\ufffd')) throw refused(path);
  const parts = name.split('/');
  for (const part of parts) {
    // Windows drops dots and spaces at the end of a name, which makes two names one.
    if (part === '' || part === '.' || part === '..' || /[. ]$/.test(part)) throw refused(path);
    if (Buffer.byteLength(part) > maxPartBytes) throw refused(path);
  }
  return parts;
}

/** Two paths with the same fold are one file on some systems. */
export function foldedPath(parts: readonly string[]): string {
  return parts.join('/').normalize('NFC').toLowerCase();
}

function refused(path: string): BundleError {
  const shown = path.length > 100 ? `${path.slice(0, 100)}...` : path;
  return new BundleError(`invalid file path in archive: ${JSON.stringify(shown)}`);
}
