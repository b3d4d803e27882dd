import type { ChildProcess } from 'node:child_process';

/** A guest ends when its channel does, unless it is busy looping: so none may outlive a host that exits. */
const running = new Set<ChildProcess>();

export function killAtExit(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', killAll);
  });
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}
