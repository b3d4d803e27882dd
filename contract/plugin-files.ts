/** What a coprocess says of plugin files: another stamp means other content, and the same content has the same stamp everywhere. */
export interface PluginFileStamps {
  /** Of each file that was asked for, in that order; empty: it is not there. */
  readonly files: readonly string[];
  /** Of the sources beside and below them, which others may import, all together. */
  readonly beside: string;
}
