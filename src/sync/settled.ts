// Does the mirror now show what an event spoke of? The API may lag its own webhooks (WR6), so a fetch alone
// proves nothing: the record has to be as new as the event, or the time in which a lag explains the
// difference has to be over.

import { limits } from "../core/limits.ts";
import type { Source } from "../sources/source.ts";
import type { Looked } from "./ports.ts";

export interface Spoken {
  /** The event's instant, upstream's clock, ms; undefined: any look settles it. */
  readonly createdAt?: number | undefined;
  /** Our clock, ms. */
  readonly receivedAt: number;
}

/**
 * An upstream may stamp its event somewhat after its record. Such a record is taken for the event's own only
 * by a look that started when a second, unseen change could no longer hide behind the API's lag: two changes
 * a second apart would otherwise be taken for one. Stamps cut to the second hide the second change of that very
 * second: there a look settles one event at once, if it brought a change, and the others after the lag.
 * @param lookedFrom no look considered here started before, our clock, ms
 * @param first no other event of this record was settled by the same look
 */
export function shows(
  looked: Extract<Looked, { ok: true }>,
  event: Spoken,
  lookedFrom: number,
  source: Pick<Source, "eventSlackMs" | "writeLagMs">,
  first = true,
): boolean {
  const { createdAt, receivedAt } = event;
  if (looked.unproven || looked.doubt) return false;
  if (looked.version === undefined && looked.decision === "older") return false;
  if (createdAt === undefined || looked.version === undefined) return true;
  const { updatedAt, fetchedAt, deletedAt } = looked.version;
  // An event after the burial speaks of a return that the API does not show yet.
  if (deletedAt !== undefined) return deletedAt >= createdAt;
  // No clock of the upstream's to compare with: the content itself must have changed since.
  if (updatedAt === undefined)
    return looked.decision !== "unchanged" || fetchedAt >= createdAt - source.eventSlackMs;
  if (isAsNew(updatedAt, createdAt)) return true;
  const brought = first && (looked.decision === "insert" || looked.decision === "update");
  if (brought && mayBeAsNew(updatedAt, createdAt)) return true;
  return updatedAt >= createdAt - source.eventSlackMs && lookedFrom >= receivedAt + source.writeLagMs;
}

/**
 * One change stamps its record and its event within a moment of each other. A whole second may have been cut: it says
 * so of events of the seconds before it alone.
 */
export function isAsNew(updatedAt: number, createdAt: number): boolean {
  return isWhole(updatedAt)
    ? updatedAt > createdAt - (createdAt % 1_000)
    : updatedAt >= createdAt - limits.sameInstantMs;
}

/** A whole second may stand for any instant within it. */
export function mayBeAsNew(updatedAt: number, createdAt: number): boolean {
  return isWhole(updatedAt) && updatedAt + 999 >= createdAt - limits.sameInstantMs;
}

/** Cut to the second, as far as one can see. */
export const isWhole = (updatedAt: number) => updatedAt % 1_000 === 0;

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
