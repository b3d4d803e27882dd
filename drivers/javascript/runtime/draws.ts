/** What clock and chance said in a run of a hook, to be said again in the next one. */
export interface Drawn {
  readonly seed: number[] | undefined;
  /** What the clock said: milliseconds, and how often in a row, by turns. */
  readonly times: number[];
}

export interface Draws {
  /** A run begins: with what was drawn in an earlier one, if it is the same call. */
  start(drawn: Drawn | undefined): void;
  /** What this run has drawn so far. */
  drawn(): Drawn;
  /** Milliseconds, as `Date.now()`. */
  now(): number;
  /** As `Math.random()`. */
  random(): number;
}

/**
 * What was drawn before a hook was stopped has been acted on (a key was stored, a request was sent), so the next run draws it again.
 */
export function makeDraws(): Draws {
  const clock = Date.now;
  const chance = Math.random;
  let seed: number[] | undefined;
  let state: number[] | undefined;
  let times: number[] = [];
  let replayed: number[] = [];
  let at = 0;
  let taken = 0;

  function start(drawn: Drawn | undefined): void {
    seed = drawn?.seed;
    state = seed?.slice();
    replayed = drawn?.times ?? [];
    if (times.length > 0) times = [];
    at = 0;
    taken = 0;
  }

  function now(): number {
    let ms: number;
    if (at < replayed.length) {
      ms = replayed[at] as number;
      if (++taken === replayed[at + 1]) {
        at += 2;
        taken = 0;
      }
    } else ms = clock();
    const last = times.length - 2;
    if (last >= 0 && times[last] === ms) (times[last + 1] as number)++;
    else times.push(ms, 1);
    return ms;
  }

  /** 32 bits of the generator sfc32. */
  function bits(): number {
    if (state === undefined) {
      state = [0, 0, 0, 0].map(() => Math.floor(chance() * 4294967296));
      seed = state.slice();
    }
    const [a, b, c, count] = state as [number, number, number, number];
    const sum = (a + b + count) | 0;
    const turned = (c << 21) | (c >>> 11);
    state = [b ^ (b >>> 9), (c + (c << 3)) | 0, (turned + sum) | 0, (count + 1) | 0];
    return sum >>> 0;
  }

  return {
    start,
    drawn: () => ({ seed, times }),
    now,
    random: () => (bits() * 2097152 + (bits() >>> 11)) / 9007199254740992,
  };
}
