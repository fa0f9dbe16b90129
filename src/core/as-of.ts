// The instant at which a copy is known to equal the upstream (RD2), from what is known anyway: no write keeps it.
//
// Two clocks are involved, ours and the upstream's, minutes apart at worst. Every instant here is by whichever of
// the two is earlier, so a claim holds whichever clock the reader lays beside it.

import { limits } from "./limits.ts";

/** What finished sweeps vouch for: every record they did not return was unchanged. */
export interface Vouch {
  /** When the last of them began, ms. */
  readonly asOf: number;
  /**
   * Upstream's clock, ms: from here on the sweeps have looked at every change without a gap. A copy fetched before
   * may have changed unseen; only its own fetch speaks for it.
   */
  readonly from: number;
  /** The database once everything was in that is vouched for. Absent: only the primary is known to have it. */
  readonly bookmark?: string | undefined;
}

export interface Copy {
  /** When the fetch that brought it started, our clock, ms. */
  readonly fetchedAt: number;
  /** The same instant by the earlier of the two clocks. Absent where the upstream told no time. */
  readonly asOf?: number;
  readonly updatedAt?: number;
  readonly deletedAt?: number;
}

/** By the earlier of the two clocks; an upstream that tells no time may be off by `clockDoubtMs`. */
export function fetchedAsOf({ fetchedAt, asOf }: Pick<Copy, "fetchedAt" | "asOf">): number {
  return asOf ?? fetchedAt - limits.clockDoubtMs;
}

/**
 * Never later than the truth: what changed upstream at `t` and is not in the copy was invisible to its fetch and to
 * the last sweep, so both began before `t` plus the lag.
 *
 * No sweep vouches for a copy without `updated_at`, which a since-filter may pass over, nor for a tombstone: a
 * record put back from a backup is in no delta.
 * @param lagMs how long a write may stay invisible upstream
 */
export function recordAsOf(copy: Copy, vouch: Vouch | undefined, lagMs: number): number {
  const own = fetchedAsOf(copy) - lagMs;
  if (vouch === undefined || copy.updatedAt === undefined || copy.deletedAt !== undefined) return own;
  return own >= vouch.from ? Math.max(own, vouch.asOf - lagMs) : own;
}

/**
 * Of a list: its absences are vouched for by the sweeps alone, and no row may be older than the whole.
 * @returns undefined before the first sweep: nothing vouches for a list then
 */
export function listAsOf(rows: readonly Copy[], vouch: Vouch | undefined, lagMs: number): number | undefined {
  if (vouch === undefined) return undefined;
  return Math.min(vouch.asOf - lagMs, ...rows.map((row) => recordAsOf(row, vouch, lagMs)));
}
