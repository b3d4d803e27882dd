/** What we use of yazl 3, which has no types of its own. */
declare module 'yazl' {
  import type { Readable } from 'node:stream';

  interface EntryOptions {
    mtime?: Date;
    mode?: number;
    compress?: boolean;
    /** Leave out the extra field with a finer time. */
    forceDosTimestamp?: boolean;
  }

  class ZipFile {
    readonly outputStream: Readable;
    addBuffer(buffer: Buffer, path: string, options?: EntryOptions): void;
    addEmptyDirectory(path: string, options?: EntryOptions): void;
    addFile(file: string, path: string, options?: EntryOptions): void;
    end(): void;
  }
}
