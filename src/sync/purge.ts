// Purging a client for good (PR4), and keeping it away from whatever is still under way. That nothing comes back is
// given by the statement that writes (store/commit.ts); what is here spares the calls and forgets the rest.

import type { ConnectionId, RecordId, Ref } from "../core/ids.ts";
import type { Log } from "./ports.ts";
import type { Purged, PurgeStore } from "./privacy-stores.ts";
import type { ConnectionStore, RecordStore } from "./stores.ts";

export interface PurgeDeps {
  readonly now: () => number;
  readonly connections: Pick<ConnectionStore, "get">;
  readonly purges: PurgeStore;
  /** What a writer remembers of these refs outside the database. */
  readonly forgetDoubts: (connection: ConnectionId, refs: readonly Ref[]) => Promise<void>;
  readonly log: Log;
}

/**
 * The suppression and the removal are one transaction; what is in flight meets the suppression. Dying before the
 * doubts are forgotten is repaired by asking again.
 * @returns undefined when there is no such connection
 */
export async function purgeClient(
  deps: PurgeDeps,
  connection: ConnectionId,
  clientId: RecordId,
): Promise<Purged | undefined> {
  if ((await deps.connections.get(connection)) === undefined) return undefined;
  const purged = await deps.purges.purge(connection, [clientId], deps.now());
  await deps.forgetDoubts(connection, purged.ids.flatMap(doubtedRefs));
  deps.log("info", "client_purged", { connection, records: purged.removed.records });
  return purged;
}

function doubtedRefs(id: RecordId): readonly Ref[] {
  return [
    { kind: "clients", id },
    { kind: "assessment-status", id },
  ];
}

/**
 * A fetch told that two ids are one record. When one of them was purged while it was under way, under a name nobody
 * knew to be the other's, the purge is completed before the record is committed.
 */
export async function noteAlias(
  deps: {
    readonly now: () => number;
    readonly records: Pick<RecordStore, "addAlias">;
    readonly purges: PurgeStore;
  },
  connection: ConnectionId,
  { kind, id: alias }: Ref,
  id: RecordId,
): Promise<void> {
  if (await deps.records.addAlias(connection, kind, alias, id)) return;
  await deps.purges.purge(connection, [alias, id], deps.now());
}
