// Suppressions in memory, and the purge that goes through every table in the hand.

import type { ConnectionId, RecordId } from "../../src/core/ids.ts";
import { PURGED, type PurgeStore } from "../../src/sync/privacy-stores.ts";
import type { OwnedRows } from "./memory.ts";

export function suppressionMemory() {
  const rows = new Map<ConnectionId, Set<string>>();
  return {
    table: "suppressions",
    has: (connection: ConnectionId, ids: readonly string[]) =>
      ids.some((id) => rows.get(connection)?.has(id) ?? false),
    add(connection: ConnectionId, ids: Iterable<string>) {
      rows.set(connection, new Set([...(rows.get(connection) ?? []), ...ids]));
    },
    forget(connection: ConnectionId) {
      const count = rows.get(connection)?.size ?? 0;
      rows.delete(connection);
      return count;
    },
  } satisfies OwnedRows & Record<string, unknown>;
}

export type Suppressions = ReturnType<typeof suppressionMemory>;

/** A table with rows about clients. */
export interface Purgeable {
  /** @returns how many rows went, by what they are */
  forgetClient(
    connection: ConnectionId,
    ids: ReadonlySet<string>,
    now: number,
    /** Ids of the reminders about the client. */
    reminders: ReadonlySet<string>,
  ): Partial<Record<(typeof PURGED)[number], number>>;
}

/** @param purgeables in this order; may grow after the call */
export function purgeMemory(
  suppressions: Suppressions,
  idsOf: (connection: ConnectionId, ids: readonly string[]) => ReadonlySet<string>,
  purgeables: readonly Purgeable[],
  remindersOf: (connection: ConnectionId, ids: ReadonlySet<string>) => ReadonlySet<string>,
): PurgeStore {
  return {
    async purge(connection, given, now) {
      const ids = idsOf(connection, given);
      suppressions.add(connection, ids);
      const reminders = remindersOf(connection, ids);
      const counts = purgeables.map((table) => table.forgetClient(connection, ids, now, reminders));
      const total = (name: (typeof PURGED)[number]) =>
        counts.reduce((sum, count) => sum + (count[name] ?? 0), 0);
      const removed = Object.fromEntries(PURGED.map((name) => [name, total(name)]));
      return { ids: [...ids] as RecordId[], removed: removed as Record<(typeof PURGED)[number], number> };
    },
  };
}
