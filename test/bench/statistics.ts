// Medians with their spread. Every figure of the bench is one of these; a mean would let one hiccup speak.

export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** How many were measured. */
  readonly count: number;
}

/** @throws on nothing measured: a figure of nothing would read as zero */
export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) throw new Error("nothing was measured");
  return { median: percentile(sorted, 0.5), low, high, count: sorted.length };
}

/** @param share 0 to 1; between two values the one in between by weight */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (below === undefined || above === undefined) throw new Error("nothing was measured");
  return below + (above - below) * (at - Math.floor(at));
}
