// Small facts kept per connection and kind, and per client. Inserts select from the connection they belong to:
// for one that was removed meanwhile they write nothing.

import { and, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, Kind } from "../core/ids.ts";
import type { AssessmentsTaken, KindStore } from "../sync/stores.ts";
import { assessmentsTaken, kindState } from "./schema.ts";

export function kindStore(db: DrizzleD1Database): KindStore {
  async function stateOf(connection: ConnectionId, kind: Kind) {
    const [row] = await db
      .select()
      .from(kindState)
      .where(and(eq(kindState.connectionId, connection), eq(kindState.kind, kind)));
    return row;
  }

  return {
    isProven: async (connection, kind) => (await stateOf(connection, kind))?.singleProven === 1,

    isComplete: async (connection, kind) => (await stateOf(connection, kind))?.complete === 1,

    async completeKinds(connection) {
      const rows = await db
        .select({ kind: kindState.kind })
        .from(kindState)
        .where(and(eq(kindState.connectionId, connection), eq(kindState.complete, 1)));
      return rows.map(({ kind }) => kind as Kind);
    },

    async markProven(connection, kind) {
      await db.run(sql`
        INSERT INTO kind_state (connection_id, kind, single_proven)
        SELECT id, ${kind}, 1 FROM connections WHERE id = ${connection}
        ON CONFLICT (connection_id, kind) DO UPDATE SET single_proven = 1 WHERE single_proven = 0`);
    },

    async markComplete(connection, kind) {
      await db.run(sql`
        INSERT INTO kind_state (connection_id, kind, complete)
        SELECT id, ${kind}, 1 FROM connections WHERE id = ${connection}
        ON CONFLICT (connection_id, kind) DO UPDATE SET complete = 1 WHERE complete = 0`);
    },

    async addDrift(connection, kind, drift) {
      const { missed = 0, late = 0, rewritten = 0, deleted = 0 } = drift;
      if (missed + late + rewritten + deleted === 0) return;
      await db.run(sql`
        INSERT INTO kind_state (connection_id, kind, drift_missed, drift_late, drift_rewritten, drift_deleted)
        SELECT id, ${kind}, ${missed}, ${late}, ${rewritten}, ${deleted} FROM connections WHERE id = ${connection}
        ON CONFLICT (connection_id, kind) DO UPDATE SET
          drift_missed = drift_missed + excluded.drift_missed,
          drift_late = drift_late + excluded.drift_late,
          drift_rewritten = drift_rewritten + excluded.drift_rewritten,
          drift_deleted = drift_deleted + excluded.drift_deleted`);
    },

    async drift(connection) {
      const rows = await db.select().from(kindState).where(eq(kindState.connectionId, connection));
      return Object.fromEntries(
        rows.map((row) => [
          row.kind,
          {
            missed: row.driftMissed,
            late: row.driftLate,
            rewritten: row.driftRewritten,
            deleted: row.driftDeleted,
          },
        ]),
      );
    },
  };
}

export function assessmentsTakenStore(db: DrizzleD1Database): AssessmentsTaken {
  return {
    async note(connection, clientId, takenAt) {
      await db.run(sql`
        INSERT INTO assessments_taken (connection_id, client_id, taken_at)
        SELECT id, ${clientId}, ${takenAt} FROM connections WHERE id = ${connection} AND NOT EXISTS (
          SELECT 1 FROM suppressions WHERE connection_id = ${connection} AND client_id = ${clientId})
        ON CONFLICT (connection_id, client_id) DO UPDATE SET taken_at = excluded.taken_at
        WHERE taken_at < excluded.taken_at`);
    },

    async last(connection, clientId) {
      const [row] = await db
        .select({ takenAt: assessmentsTaken.takenAt })
        .from(assessmentsTaken)
        .where(and(eq(assessmentsTaken.connectionId, connection), eq(assessmentsTaken.clientId, clientId)));
      return row?.takenAt;
    },
  };
}
