// "This rare thing happened N times": a run in which a thing never happened proves nothing about it, and fails.

import type { Profile } from "./faults.ts";

/** Below this many histories chance alone explains a zero. */
const DEMANDED_FROM = 100;

/** What a profile leaves out cannot happen in it. */
const LEFT_OUT: Readonly<Record<Profile, readonly string[]>> = {
  // Sweeps vouch for whatever they did not return: nothing ages until it is refreshed.
  full: ["refreshes"],
  // No clock ticks: nothing is broken that only a sweep, the verifier or the guard would mend.
  "hooks-only": [
    ...["ticks", "doubleTicks", "checkpoints", "gatesLost", "leasesRefused", "staleReads"],
    ...["vanished", "returned", "tombstones", "revived", "claimsOfTombstones"],
    ...["dropped", "disabled", "registeredAnew", "missingTold"],
    ...["outages", "outagesOverAnHour", "outagesOverADay", "keysRevoked", "keyRejected", "paused", "parked"],
  ],
  // No delivery ever comes.
  "sweep-only": [
    ...["sent", "duplicated", "delayed", "reordered", "answersLost", "retried", "disabled", "missingTold"],
    ...["lagging", "parked", "unusable", "acknowledged", "acknowledgedTwice", "refreshes"],
  ],
};

/** @returns the counters at zero */
export function neverHappened(
  totals: Readonly<Record<string, number>>,
  profile: Profile,
  seeds: number,
): readonly string[] {
  if (seeds < DEMANDED_FROM) return [];
  return Object.keys(totals).filter((name) => totals[name] === 0 && !LEFT_OUT[profile].includes(name));
}
