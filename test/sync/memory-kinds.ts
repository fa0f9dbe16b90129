// Small facts per connection in memory: drift and proven routes of its kinds, assessments taken, sweep cursors.

import type { ConnectionId, Kind } from "../../src/core/ids.ts";
import type { Cursor, Cursors } from "../../src/sync/ports.ts";
import type { AssessmentsTaken, Drift, KindStore } from "../../src/sync/stores.ts";
import type { OwnedRows } from "./memory.ts";
import type { Purgeable, Suppressions } from "./memory-purge.ts";

interface KindRow {
  readonly proven: boolean;
  readonly complete: boolean;
  readonly drift: Drift;
}

const FRESH: KindRow = {
  proven: false,
  complete: false,
  drift: { missed: 0, late: 0, rewritten: 0, deleted: 0 },
};

export function kindMemory(): KindStore & OwnedRows {
  const tables = new Map<ConnectionId, Map<Kind, KindRow>>();

  function change(connection: ConnectionId, kind: Kind, changed: (row: KindRow) => KindRow): void {
    const rows = tables.get(connection) ?? new Map<Kind, KindRow>();
    rows.set(kind, changed(rows.get(kind) ?? FRESH));
    tables.set(connection, rows);
  }

  return {
    table: "kindState",
    isProven: async (connection, kind) => tables.get(connection)?.get(kind)?.proven ?? false,
    markProven: async (connection, kind) => change(connection, kind, (row) => ({ ...row, proven: true })),
    isComplete: async (connection, kind) => tables.get(connection)?.get(kind)?.complete ?? false,
    completeKinds: async (connection) =>
      [...(tables.get(connection) ?? [])].filter(([, { complete }]) => complete).map(([kind]) => kind),
    markComplete: async (connection, kind) => change(connection, kind, (row) => ({ ...row, complete: true })),

    async addDrift(connection, kind, more) {
      const { missed = 0, late = 0, rewritten = 0, deleted = 0 } = more;
      if (missed + late + rewritten + deleted === 0) return;
      change(connection, kind, ({ drift, ...row }) => ({
        ...row,
        drift: {
          missed: drift.missed + missed,
          late: drift.late + late,
          rewritten: drift.rewritten + rewritten,
          deleted: drift.deleted + deleted,
        },
      }));
    },

    async drift(connection) {
      return Object.fromEntries(
        [...(tables.get(connection) ?? [])].map(([kind, { drift }]) => [kind, drift]),
      );
    },

    forget(connection) {
      const count = tables.get(connection)?.size ?? 0;
      tables.delete(connection);
      return count;
    },
  };
}

export function takenMemory(suppressions: Suppressions): AssessmentsTaken & OwnedRows & Purgeable {
  const tables = new Map<ConnectionId, Map<string, number>>();
  return {
    table: "assessmentsTaken",
    async note(connection, clientId, takenAt) {
      if (suppressions.has(connection, [clientId])) return;
      const rows = tables.get(connection) ?? new Map<string, number>();
      rows.set(clientId, Math.max(rows.get(clientId) ?? takenAt, takenAt));
      tables.set(connection, rows);
    },
    last: async (connection, clientId) => tables.get(connection)?.get(clientId),
    forgetClient(connection, ids) {
      const rows = tables.get(connection);
      return { assessments_taken: [...ids].filter((id) => rows?.delete(id)).length };
    },
    forget(connection) {
      const count = tables.get(connection)?.size ?? 0;
      tables.delete(connection);
      return count;
    },
  };
}

export function cursorMemory(): Cursors {
  const cursors = new Map<string, Cursor>();
  return {
    read: async (connection, name) => cursors.get(`${connection} ${name}`) ?? {},
    write: async (connection, name, cursor) => void cursors.set(`${connection} ${name}`, cursor),
    async removeAll(connection) {
      for (const key of [...cursors.keys()].filter((one) => one.startsWith(`${connection} `)))
        cursors.delete(key);
    },
  };
}
