// When a reader may be answered from a copy of the database that is behind the primary (RD2): when it shows at least
// what the reader has seen, and everything that is vouched for.

import type { Vouch } from "../core/as-of.ts";
import type { KindStore, RecordStore } from "./stores.ts";

/** What readers ask of the database: the primary, or a copy of it. */
export interface Place {
  readonly records: Pick<RecordStore, "one" | "page" | "changes">;
  readonly isComplete: KindStore["isComplete"];
}

/**
 * A copy of the database near the reader, at least as new as the bookmark it was opened with and never going back.
 * What it cannot answer the primary answers.
 */
export interface Replica extends Place {
  /** Names the state it has shown, or one from before it, to go on from. */
  bookmark(): string | undefined;
}

export interface ReplicaDeps {
  /** @param from a bookmark; empty: any copy will do */
  readonly replica: (from: string) => Replica;
}

/**
 * A sweep vouches for rows as they were at its end or later, so a copy has to have come that far: then reading it is
 * reading the primary a little earlier, and every claim about the rows is as true as it was there.
 * @param asked the reader's bookmark; empty: any copy will do; undefined: it wants the primary
 * @param vouches all that will be said to vouch for what is read
 * @returns undefined: read the primary
 */
export function replicaFor(
  { replica }: ReplicaDeps,
  asked: string | undefined,
  vouches: Iterable<Vouch | undefined>,
): Replica | undefined {
  if (asked === undefined) return undefined;
  let from = asked;
  for (const vouch of vouches) {
    if (vouch === undefined) continue;
    if (vouch.bookmark === undefined) return undefined;
    if (vouch.bookmark > from) from = vouch.bookmark;
  }
  return replica(from);
}
