// Does the mirror now show what an event spoke of? The API may lag its own webhooks (WR6), so a fetch alone
// proves nothing: the record has to be as new as the event.

import { limits } from "../core/limits.ts";
import type { Looked } from "./ports.ts";

/**
 * @param createdAt the event's instant, upstream's clock; undefined: any look settles it
 * @param slackMs how far the event's instant may run ahead of the record's
 */
export function shows(
  looked: Extract<Looked, { ok: true }>,
  createdAt: number | undefined,
  slackMs: number,
): boolean {
  if (looked.unproven || looked.doubt) return false;
  if (createdAt === undefined || looked.version === undefined) return true;
  const { updatedAt, fetchedAt, deletedAt } = looked.version;
  // An event after the burial speaks of a return that the API does not show yet.
  if (deletedAt !== undefined) return deletedAt >= createdAt;
  if (updatedAt !== undefined) return endOfGrain(updatedAt) >= createdAt - slackMs;
  // No clock of the upstream's to compare with: the content itself must have changed since.
  return looked.decision !== "unchanged" || fetchedAt >= createdAt - slackMs;
}

/**
 * When to look again: 2, 5 and 15 s apart, counted from the receipt, so that nothing needs to be remembered
 * between the looks.
 * @returns undefined when the time in which a lag explains anything is over
 */
export function lookAgainSeconds(receivedAt: number, now: number): number | undefined {
  let rung = receivedAt;
  for (const seconds of limits.lookAgainSeconds) {
    rung += seconds * 1_000;
    if (now < rung) return Math.ceil((rung - now) / 1_000);
  }
  return undefined;
}

/** A whole second may stand for any instant within it. */
function endOfGrain(updatedAt: number): number {
  return updatedAt % 1_000 === 0 ? updatedAt + 999 : updatedAt;
}
