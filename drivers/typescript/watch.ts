import { type FSWatcher, watch } from 'node:fs';
import { dirname, sep } from 'node:path';

/** Tells when files were saved. Editors write a file in several steps, or put a new one in its place: so folders are watched, and it waits a moment. */
export class FileWatch {
  private readonly onChange: () => void;
  private readonly watchers = new Map<string, FSWatcher>();
  private timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  /** Watch the folders of these files, and of no others. Installed packages are left out: they do not change while one works. */
  watch(files: readonly string[]): void {
    const folders = new Set(files.filter((file) => !file.includes(`${sep}node_modules${sep}`)).map(dirname));
    for (const [folder, watcher] of this.watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.watchers.delete(folder);
    }
    for (const folder of folders) {
      if (this.watchers.has(folder)) continue;
      const watcher = watch(folder, { persistent: false }, () => this.soon());
      // A folder that is removed; what was built from it stays in use.
      watcher.on('error', () => {});
      this.watchers.set(folder, watcher);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.onChange, settleMs).unref();
  }
}

const settleMs = 50;
