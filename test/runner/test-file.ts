import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';

/** A test file and what its source says about running it. */
export interface TestFile {
  readonly path: string;
  /** For people: the path below `test/`, without its ending. */
  readonly name: string;
  readonly timeLimitMs: number;
  /** Suites that the file creates and never runs: uvu would pass over them in silence. */
  readonly neverRun: readonly string[];
}

const defaultTimeLimitMs = 120_000;
const testFolder = join(import.meta.dirname, '..');

/**
 * The files that the filters choose: all of `test/**` without any, else those whose path contains one of them. A filter that
 * is itself the path of a file chooses it wherever it lies; fixtures are reached in no other way.
 */
export async function findTestFiles(filters: readonly string[]): Promise<TestFile[]> {
  const paths = filters.map((filter) => resolve(filter)).filter((path) => path.endsWith('.ts') && existsSync(path));
  const words = filters.filter((filter) => !paths.includes(resolve(filter)));
  const chosen = new Set(paths);
  for await (const entry of glob('**/*.test.ts', { cwd: testFolder, exclude: ['fixtures/**', 'node_modules/**'] })) {
    const path = join(testFolder, entry);
    if (filters.length === 0 || words.some((word) => `test/${entry}`.includes(word))) chosen.add(path);
  }
  const files = await Promise.all([...chosen].map(readTestFile));
  return files.sort((a, b) => b.timeLimitMs - a.timeLimitMs || (a.name < b.name ? -1 : 1));
}

async function readTestFile(path: string): Promise<TestFile> {
  const source = await readFile(path, 'utf8');
  const name = relative(testFolder, path)
    .replaceAll(sep, '/')
    .replace(/(\.test)?\.ts$/, '');
  return { path, name, timeLimitMs: timeLimitOf(source), neverRun: neverRunIn(source) };
}

/** A file that needs longer says so in its first line: `// time limit: 300 s`. */
function timeLimitOf(source: string): number {
  const seconds = /^\/\/ time limit: (\d+) s\n/.exec(source)?.[1];
  return seconds === undefined ? defaultTimeLimitMs : Number(seconds) * 1000;
}

function neverRunIn(source: string): string[] {
  const suites = [...source.matchAll(/^\s*(?:const|let) (\w+) = suite\(/gm)].map((match) => match[1] as string);
  if (/^import \{[^}]*\btest\b[^}]*\} from 'uvu'/m.test(source)) suites.push('test');
  return suites.filter((name) => !new RegExp(`^\\s*${name}\\.run\\(\\)`, 'm').test(source));
}
