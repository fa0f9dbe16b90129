// What a look at the upstream means for the mirror. Pure: no I/O, no clock. The same order of versions is
// guarded a second time in the statement that writes (store/commit.ts); each guard alone keeps the mirror
// from going backwards.

import { limits } from "./limits.ts";
import type { Sight, Snapshot, Version, Write } from "./record.ts";

export type Decision = "insert" | "update" | "unchanged" | "older" | "tombstone";

/** A finding too strange to act on at once: it counts only if a second look, long enough after, agrees. */
export interface Doubt {
  readonly about: "gone" | "back-in-time";
  /** Start of the fetch that first showed it, in ms. */
  readonly since: number;
}

export interface Decided {
  readonly decision: Decision;
  /** Present exactly for insert, update and tombstone. */
  readonly write?: Write;
  /** Present while a finding waits for its second look. Absent: any earlier doubt is settled. */
  readonly doubt?: Doubt;
}

/**
 * @param stored what the mirror holds, undefined when nothing
 * @param sight what the fetch showed
 * @param doubt what an earlier look found strange about this ref
 */
export function decide(stored: Version | undefined, sight: Sight, doubt: Doubt | undefined): Decided {
  // What was fetched after a doubt began has answered it, whoever wrote it.
  const answered = stored !== undefined && doubt !== undefined && doubt.since <= stored.fetchedAt;
  const kept = answered ? undefined : doubt;
  return sight.kind === "gone"
    ? decideGone(stored, sight, kept)
    : decideSnapshot(stored, sight.snapshot, kept);
}

function decideSnapshot(stored: Version | undefined, seen: Snapshot, doubt: Doubt | undefined): Decided {
  if (stored === undefined) return { decision: "insert", write: { write: "put", snapshot: seen } };
  const put: Decided = { decision: "update", write: { write: "put", snapshot: seen } };
  const later = seen.fetchedAt > stored.fetchedAt;
  // A tombstone yields only to a fetch that returned the record and started after the one that missed it.
  if (stored.deletedAt !== undefined) return later ? put : { decision: "older" };
  if (seen.hash === stored.hash) return { decision: "unchanged" };
  // Equal or absent timestamps say nothing about order (second-grained clocks): then the later fetch wins.
  if (seen.updatedAt === undefined || stored.updatedAt === undefined || seen.updatedAt === stored.updatedAt) {
    return later ? put : { decision: "older" };
  }
  if (seen.updatedAt > stored.updatedAt) return put;
  if (!later) return { decision: "older" };
  // A later fetch shows an earlier record: a lagging replica, or a restore. Only a restore stays.
  if (!confirmed("back-in-time", doubt, seen.fetchedAt)) {
    return { decision: "older", doubt: continued("back-in-time", doubt, seen.fetchedAt) };
  }
  return { decision: "update", write: { write: "put", snapshot: seen, overHash: stored.hash } };
}

function decideGone(
  stored: Version | undefined,
  sight: Extract<Sight, { kind: "gone" }>,
  doubt: Doubt | undefined,
): Decided {
  if (stored?.deletedAt !== undefined) return { decision: "unchanged" };
  if (stored !== undefined && sight.fetchedAt <= stored.fetchedAt) return { decision: "older" };
  if (!confirmed("gone", doubt, sight.fetchedAt)) {
    return { decision: "unchanged", doubt: continued("gone", doubt, sight.fetchedAt) };
  }
  // Nothing to bury when the mirror never held it.
  if (stored === undefined) return { decision: "unchanged" };
  const { ref, fetchedAt, asOf } = sight;
  return {
    decision: "tombstone",
    write: { write: "tombstone", ref, fetchedAt, ...(asOf === undefined ? {} : { asOf }) },
  };
}

function confirmed(about: Doubt["about"], doubt: Doubt | undefined, fetchedAt: number): boolean {
  return doubt?.about === about && fetchedAt - doubt.since >= limits.confirmAfterMs;
}

function continued(about: Doubt["about"], doubt: Doubt | undefined, fetchedAt: number): Doubt {
  return doubt?.about === about ? doubt : { about, since: fetchedAt };
}
