/** Cells of the memory that the guest and its watchdog share: which set runs (0: none), which run it is, its limit, whether the watchdog sleeps. */
export const cell = { set: 0, serial: 1, limitMs: 2, sleeping: 3 } as const;

/** What the watchdog says before it kills the process. */
export const lastWords = 'the scripts of this set did not come back: ';

/** Which set was to blame, if that is what a guest said. */
export function stuckSet(line: string): number | undefined {
  const at = line.indexOf(lastWords);
  return at < 0 ? undefined : Number.parseInt(line.slice(at + lastWords.length), 10);
}
