import { type FSWatcher, watch } from 'node:fs';

/** Saving writes a file in several steps, and a roll-out writes many files: the folder must have been still for this long. */
const settleMs = 100;
/** ... unless it never is. */
const longestWaitMs = 2000;

/**
 * Calls `onChange` when something in a folder was saved, added or removed. A folder that is not there, or goes away, is looked for
 * again: mounted folders are replaced as a whole.
 */
export function watchFolder(
  folder: string,
  onChange: () => void,
  onProblem: (error: Error) => void,
): { close(): void } {
  let watcher: FSWatcher | undefined;
  let settled: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  let changedMs: number | undefined;
  let closed = false;

  function changed(): void {
    const nowMs = Date.now();
    changedMs ??= nowMs;
    clearTimeout(settled);
    const waitMs = Math.max(0, Math.min(settleMs, changedMs + longestWaitMs - nowMs));
    settled = setTimeout(() => {
      changedMs = undefined;
      onChange();
    }, waitMs).unref();
  }

  function open(): void {
    try {
      const opened = watch(folder, { persistent: false }, (event, name) => {
        changed();
        // A rename of the folder itself: what is watched is not at the path any more.
        if (event === 'rename' && (name === null || folder.endsWith(`/${name}`))) lost();
      });
      opened.on('error', (error) => {
        onProblem(error);
        lost();
      });
      watcher = opened;
    } catch (error) {
      onProblem(error as Error);
      lost();
    }
  }

  function lost(): void {
    watcher?.close();
    watcher = undefined;
    if (closed) return;
    clearTimeout(again);
    again = setTimeout(() => {
      open();
      if (watcher !== undefined) changed();
    }, longestWaitMs).unref();
  }

  open();
  return {
    close() {
      closed = true;
      clearTimeout(settled);
      clearTimeout(again);
      watcher?.close();
    },
  };
}
