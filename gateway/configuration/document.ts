import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { ConfigurationError, type Path } from './problem.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A file that was read: its content as plain data, and where in the text each key stands. */
export interface ConfigurationDocument {
  readonly file: string;
  readonly tree: unknown;
  /** Of the key that the path ends in, or of the nearest one above it that is there. `undefined` for an empty file. */
  positionOf(path: Path): Position | undefined;
}

/**
 * Read a YAML or JSON file.
 * @throws {ConfigurationError} when it is not there, or is neither.
 */
export function readDocument(file: string): ConfigurationDocument {
  return parseText(file, readText(file));
}

/** @throws {ConfigurationError} */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reasons: Record<string, [string, string]> = {
      ENOENT: ['there is no such file', `Check the path; relative ones start from ${process.cwd()}.`],
      EACCES: ['the file may not be read', 'Give the user that runs this process the right to read it.'],
      EISDIR: ['this is a folder', 'Name the file in it.'],
    };
    const [message, cure] = reasons[code ?? ''] ?? [
      `the file cannot be read (${code})`,
      'Check the disk and the path.',
    ];
    throw new ConfigurationError([{ source: file, path: '', message, cure }]);
  }
}

/** @throws {ConfigurationError} when the text is no YAML. */
export function parseText(file: string, text: string): ConfigurationDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ConfigurationError([
      {
        source: file,
        line,
        column: col,
        path: '',
        message: `this is no valid YAML (or JSON): ${error.message.replace(/\.$/, '').replace(/^./, (c) => c.toLowerCase())}`,
        cure: 'Indent with spaces, end each key with ": ", and quote texts that begin with one of [ { & * ! | > % @ `.',
      },
    ]);
  }
  return {
    file,
    tree: document.toJS({ maxAliasCount: 100 }),
    positionOf(path) {
      const offset = offsetOf(document.contents, path, (node) => (isAlias(node) ? node.resolve(document) : node));
      if (offset === undefined) return undefined;
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    },
  };
}

function offsetOf(root: Node | null, path: Path, resolve: (node: Node) => Node | undefined): number | undefined {
  let node: Node | null | undefined = root;
  let offset: number | undefined = root?.range?.[0];
  for (const step of path) {
    if (node == null) break;
    const inner: Node | undefined = resolve(node);
    let next: Node | null | undefined;
    let at: number | undefined;
    if (isMap(inner)) {
      const pair = (inner.items as Pair<Node, Node | null>[]).find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      next = pair?.value;
      at = pair?.key.range?.[0];
    } else if (isSeq(inner)) {
      next = inner.items[Number(step)] as Node | undefined;
      at = next?.range?.[0];
    }
    if (at === undefined) break;
    offset = at;
    node = next;
  }
  return offset;
}
