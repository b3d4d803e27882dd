import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest stretch of work, in milliseconds, that requests being served may have to wait for. */
const longestMs = 8;

/** Cuts long work into turns of the event loop: `if (turn.isOver) await turn.next()`. */
export class Turn {
  private beganMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.beganMs > longestMs;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.beganMs = performance.now();
  }
}
