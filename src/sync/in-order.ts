// Looks one after the other. With a small budget some are let through and some are not, and a walk can only go on
// behind what was looked at without a gap.

import type { LookAsk, Looked, Writers } from "./ports.ts";

/**
 * Ends where the gate does; the budget is the pace, not this.
 * @param over asked after each look: true leaves the rest for another time
 */
export async function lookInOrder<A extends LookAsk>(
  look: (asks: readonly A[]) => ReturnType<Writers["look"]>,
  asks: readonly A[],
  over = () => false,
): Promise<readonly Looked[]> {
  const looked: Looked[] = [];
  for (const ask of asks) {
    const [one] = await look([ask]);
    if (one === undefined) break;
    looked.push(one);
    if (isClosed(one) || over()) break;
  }
  return looked;
}

/** The gate let it not through: nothing was looked at. */
export function isClosed(looked: Looked): looked is Extract<Looked, { ok: false }> {
  return !looked.ok && CLOSED.has(looked.failure.kind);
}

const CLOSED: ReadonlySet<string> = new Set(["held", "paused", "key_rejected"]);
