// One shard's writer: sync/write.ts over a connection's own stores and account. It lives as long as its Durable
// Object; dying loses only work that its callers repeat.

import type { ConnectionId } from "../core/ids.ts";
import { lookInOrder } from "./in-order.ts";
import { spending } from "./permits.ts";
import type { WalkingWriters } from "./ports.ts";
import { noteAlias } from "./purge.ts";
import type { Services } from "./services.ts";
import type { Connection } from "./stores.ts";
import { createWriter, type DoubtStore, INTERRUPTED } from "./write.ts";

export type ShardWriterDeps = Pick<
  Services,
  "connections" | "records" | "purges" | "now" | "kinds" | "upstream" | "source" | "gate"
>;

/** The connection is read anew for every look, so a replaced key or field list counts at once. */
export function createShardWriter(
  deps: ShardWriterDeps,
  id: ConnectionId,
  doubts: DoubtStore,
): WalkingWriters {
  let connection: Connection | undefined;
  const writers = writersOf(deps, id, doubts, () => {
    if (connection === undefined) throw new Error("the connection is gone");
    return connection;
  });
  const known = async () => {
    connection = await deps.connections.get(id);
    return connection !== undefined;
  };
  return {
    look: async (asks) => ((await known()) ? writers.look(asks) : asks.map(() => INTERRUPTED)),
    async walk(asks, permits) {
      if (!(await known())) return [INTERRUPTED];
      const door = spending(deps.gate(id), permits, deps.now);
      return lookInOrder(
        writers.look,
        asks.map((ask) => ({ ...ask, door })),
        door.over,
      );
    },
    // Nobody is asked, so no account is needed; of a connection that is gone the guarded statement writes nothing.
    offer: writers.offer,
  };
}

function writersOf(
  { records, purges, now, kinds, upstream, source }: ShardWriterDeps,
  id: ConnectionId,
  doubts: DoubtStore,
  connection: () => Connection,
) {
  const proven = new Set<string>();
  return createWriter({
    fetchOne: (ref, { class: callClass, retry, organizationId, door }) => {
      const account = connection();
      const opened = upstream(id, account.source, account, callClass, retry, door);
      return opened.fetchOne(ref, organizationId === undefined ? undefined : { organizationId });
    },
    versions: (refs) => records.versions(id, refs),
    commit: (writes) => records.commit(id, writes),
    suppressed: (refs) => records.suppressed(id, refs),
    whyRefused: (writes) => records.whyRefused(id, writes),
    addAlias: (kind, alias, recordId) =>
      noteAlias({ now, records, purges }, id, { kind, id: alias }, recordId),
    isProven: async (kind) =>
      source(connection().source).kinds[kind].singleRoute === "documented" || kinds.isProven(id, kind),
    markProven: async (kind) => {
      if (proven.has(kind)) return;
      await kinds.markProven(id, kind);
      proven.add(kind);
    },
    doubts,
  });
}
