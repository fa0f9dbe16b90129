// What is kept for privacy's sake: purges, field lists still to be applied, and the access log. Implemented in store/,
// with fakes in the tests, like the ports of stores.ts.

import type { AccessEntry, AccessPart } from "../core/access.ts";
import type { ConnectionId, Kind, RecordId } from "../core/ids.ts";
import type { Connection } from "./stores.ts";

export interface PurgeStore {
  /**
   * Removes everything kept of the clients these ids name, each id they are known by included, and suppresses them:
   * one transaction. Their records leave tombstones without content, each with the next `seq`. Repeating removes
   * what is there again: nothing.
   * @param ids of one client
   */
  purge(connection: ConnectionId, ids: readonly RecordId[], now: number): Promise<Purged>;
}

export interface Purged {
  /** Every id the client was known by. */
  readonly ids: readonly RecordId[];
  readonly removed: Readonly<Record<(typeof PURGED)[number], number>>;
}

/** What a purge counts. */
export const PURGED = [
  "records",
  "reminders",
  "aliases",
  "events",
  "dead_letters",
  "backfills",
  "assessments_taken",
] as const;

/** A kind whose stored records do not follow its field list yet. */
export interface Minimisation {
  readonly kind: Kind;
  /** The connection's `fieldsVersion` that ordered it. */
  readonly version: number;
  readonly orderedAt: number;
  /** Records up to this id are cut; undefined: nothing is to be cut. */
  readonly cutFrom?: RecordId | "" | undefined;
  /** Fields were added: the records have to be fetched again. */
  readonly refetch: boolean;
  readonly updatedAt: number;
}

export interface MinimisationStore {
  /**
   * Changes the list and notes what it means for what is stored: one transaction.
   * @param from the version the change was made against
   * @returns false when the list has been changed meanwhile
   */
  order(
    connection: ConnectionId,
    fields: Connection["fields"],
    from: number,
    work: readonly { readonly kind: Kind; readonly cut: boolean; readonly refetch: boolean }[],
    now: number,
  ): Promise<boolean>;
  /** What is still to be done; kinds with something to cut first. */
  list(connection: ConnectionId): Promise<readonly Minimisation[]>;
  /** Done up to there. Without effect on what was ordered anew since. */
  save(connection: ConnectionId, done: Minimisation, now: number): Promise<void>;
}

export interface AccessQuery {
  readonly connection?: ConnectionId | undefined;
  readonly key?: string | undefined;
  /** An entry's id: only older ones. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export interface AccessStore {
  /** Parts that are there already stay one. */
  add(parts: readonly AccessPart[]): Promise<void>;
  /** Newest first. */
  list(query: AccessQuery): Promise<readonly AccessEntry[]>;
  /** Whole rows of many entries, each once all it holds is older. @returns how many rows went; `limit`: there are more */
  purgeBefore(at: number, limit: number): Promise<number>;
}
