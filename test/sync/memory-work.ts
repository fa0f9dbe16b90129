// Backfills and rebuilds in memory, as their tables keep them.

import { KINDS, type Kind } from "../../src/core/ids.ts";
import type { Minimisation, MinimisationStore } from "../../src/sync/privacy-stores.ts";
import type { Backfill, BackfillStore, Connection, Rebuild, RebuildStore } from "../../src/sync/stores.ts";
import type { Purgeable } from "./memory-purge.ts";

export function backfillMemory() {
  const rows = new Map<string, Backfill>();
  const store: BackfillStore = {
    async begin(connection, userId, clientId, id, now) {
      const key = `${connection} ${userId} ${clientId}`;
      const found = rows.get(key);
      if (found) return { backfill: found, created: false };
      const backfill = {
        id,
        connection,
        clientId,
        status: "queued",
        createdAt: now,
        updatedAt: now,
      } as const;
      rows.set(key, backfill);
      return { backfill, created: true };
    },
    get: async (connection, id) =>
      [...rows.values()].find((row) => row.connection === connection && row.id === id),
    async set(id, status, reason, now) {
      for (const [key, row] of rows) {
        if (row.id !== id) continue;
        const { reason: _, ...kept } = row;
        rows.set(key, { ...kept, status, updatedAt: now, ...(reason === undefined ? {} : { reason }) });
      }
    },
    async clearClient(connection, clientId) {
      for (const [key, row] of rows)
        if (row.connection === connection && row.clientId === clientId) rows.delete(key);
    },
    stale: async (connection, updatedBefore, limit) =>
      [...rows.values()]
        .filter(({ status }) => status === "queued" || status === "running")
        .filter((row) => row.connection === connection && row.updatedAt < updatedBefore)
        .slice(0, limit),
  };
  const purgeable: Purgeable = {
    forgetClient(connection, ids) {
      const own = [...rows].filter(([, row]) => row.connection === connection && ids.has(row.clientId));
      for (const [key] of own) rows.delete(key);
      return { backfills: own.length };
    },
  };
  return { ...store, ...purgeable, rows };
}

/** Of one connection. */
export function rebuildMemory() {
  const rows = new Map<Kind, Rebuild>();
  const isUnderWay = (row: Rebuild | undefined) => row?.status === "queued" || row?.status === "running";
  const store: RebuildStore = {
    async order(_connection, kind, run, recordsBefore, now) {
      if (isUnderWay(rows.get(kind))) return;
      rows.set(kind, { kind, status: "queued", run, recordsBefore, startedAt: now, updatedAt: now });
    },
    list: async () => [...rows.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)),
    async save(_connection, kind, run, now) {
      const row = rows.get(kind);
      if (row === undefined || !isUnderWay(row)) return false;
      // The table keeps it as text.
      rows.set(kind, { ...row, status: "running", run: JSON.parse(JSON.stringify(run)), updatedAt: now });
      return true;
    },
    async finish(_connection, kind, status, run, reason, now) {
      const row = rows.get(kind);
      if (row === undefined) return;
      const { reason: _, ...kept } = row;
      rows.set(kind, { ...kept, status, run, updatedAt: now, ...(reason === undefined ? {} : { reason }) });
    },
    async cancel(_connection, now) {
      const cancelled = [...rows.values()].filter(isUnderWay);
      for (const row of cancelled) rows.set(row.kind, { ...row, status: "cancelled", updatedAt: now });
      return cancelled.length;
    },
  };
  return { ...store, of: (kind: string) => rows.get(kind as Kind) };
}

/**
 * Of one connection.
 * @param setFields changes the connection's own list; false when it is of another version
 */
export function minimisationMemory(
  setFields: (id: Connection["id"], fields: Connection["fields"], from: number) => boolean,
): MinimisationStore {
  const rows = new Map<Kind, Minimisation>();
  return {
    async order(connection, fields, from, work, now) {
      if (!setFields(connection, fields, from)) return false;
      for (const { kind, cut, refetch } of work) {
        const before = rows.get(kind);
        const cutFrom = cut ? "" : before?.cutFrom;
        rows.set(kind, {
          kind,
          version: from + 1,
          orderedAt: now,
          updatedAt: now,
          refetch: refetch || (before?.refetch ?? false),
          ...(cutFrom === undefined ? {} : { cutFrom }),
        });
      }
      return true;
    },
    list: async () =>
      [...rows.values()].sort(
        (a, b) =>
          Number(a.cutFrom === undefined) - Number(b.cutFrom === undefined) || (a.kind < b.kind ? -1 : 1),
      ),
    async save(_connection, done, now) {
      if (rows.get(done.kind)?.version !== done.version) return;
      if (done.cutFrom === undefined && !done.refetch) rows.delete(done.kind);
      else rows.set(done.kind, { ...done, updatedAt: now });
    },
  };
}
