/**
 * How rates are counted. A small limit keeps the moment of every request in its window, which is exact. A large one would keep many, so
 * its window is cut into slices that are counted, and the oldest slice counts until it is over as a whole: never more than the limit
 * is admitted, and at least 99.6 % of it.
 */
export const maxExactLimit = 256;

/** Slices that make up a window. */
export const sliceCount = 256;
