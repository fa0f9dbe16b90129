// Cutting a list where the platform bounds what goes at once.

/**
 * In order, each run as long as its bounds allow. What is too large for any is a run of its own.
 * @param bounds `size`: of a run's items together, by `sizeOf`; `count`: of its items
 */
export function runsOf<T>(
  all: readonly T[],
  sizeOf: (one: T) => number,
  bounds: { readonly size: number; readonly count?: number },
): readonly (readonly [T, ...T[]])[] {
  const { size, count = Number.POSITIVE_INFINITY } = bounds;
  const runs: [T, ...T[]][] = [];
  let left = 0;
  for (const one of all) {
    const own = sizeOf(one);
    left -= own;
    const last = runs.at(-1);
    if (last !== undefined && left >= 0 && last.length < count) last.push(one);
    else {
      runs.push([one]);
      left = size - own;
    }
  }
  return runs;
}
