/** - `runtime`: something failed while running. - `usage`: the command line or the configuration is wrong; nothing was opened. */
export const exitCodes = { ok: 0, runtime: 1, usage: 2 } as const;

const cures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another process listens there. End it, or choose another address.',
  EACCES: 'This user may not. Ports under 1024 and files of others need rights of their own.',
  EADDRNOTAVAIL: 'This machine does not have that address.',
  ENOENT: 'Check the path.',
};

/** Say what went wrong in one block, and end the process. Where it went wrong in our code is told only if INTERPOSE_DEBUG is set. */
export function fail(error: unknown, code: number): never {
  process.stderr.write(`${blockOf(error)}\n`);
  process.exit(code);
}

function blockOf(error: unknown): string {
  if (!(error instanceof Error)) return `interpose: ${String(error)}`;
  if (process.env.INTERPOSE_DEBUG) return `interpose: ${error.stack ?? error.message}`;
  const cure = cures[(error as NodeJS.ErrnoException).code ?? ''];
  const lines = [`interpose: ${error.message}`];
  if (error.cause instanceof Error && !error.message.includes(error.cause.message))
    lines.push(`    because: ${error.cause.message}`);
  if (cure !== undefined) lines.push(`    ${cure}`);
  return lines.join('\n');
}
