/** What a plugin threw, for the failure and for the log. */
export interface Thrown {
  /** One line: what and where, in the plugin's source. */
  readonly message: string;
  /** With all places, mapped to the source; absent when the plugin threw something that is no error. */
  readonly stack: string | undefined;
}

/** Describe a thrown value. `folder` is where the plugin's sources are. */
export function describeThrown(thrown: unknown, folder: string): Thrown {
  if (!(thrown instanceof Error)) return { message: `the hook threw ${printed(thrown)}`, stack: undefined };
  const stack = String(thrown.stack).replace(ownLines, '');
  const name = thrown.name === 'Error' ? '' : `${thrown.name}: `;
  const place = placeIn(stack, folder);
  return { message: `${name}${thrown.message}${place === undefined ? '' : ` (${place})`}`, stack };
}

/** From where the plugin was called on, a stack tells of this program only. */
const ownLines = /\n {4}at runHook \(.*$/s;

/** The innermost line of a stack that lies in the plugin's own folder: `stamp.ts:3:9`. */
function placeIn(stack: string, folder: string): string | undefined {
  for (const line of stack.split('\n')) {
    const at = line.indexOf(`${folder}/`);
    const place = at < 0 ? undefined : /^[^\s()]+:\d+:\d+/.exec(line.slice(at + folder.length + 1))?.[0];
    if (place !== undefined && !place.includes('node_modules/')) return place;
  }
  return undefined;
}

function printed(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
