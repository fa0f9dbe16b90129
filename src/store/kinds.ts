// Small facts kept per connection and kind, and per client.

import { and, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { AssessmentsTaken, KindStore } from "../sync/ports.ts";
import { assessmentsTaken, kindState } from "./schema.ts";

export function kindStore(db: DrizzleD1Database): KindStore {
  return {
    async isProven(connection, kind) {
      const [row] = await db
        .select({ proven: kindState.singleProven })
        .from(kindState)
        .where(and(eq(kindState.connectionId, connection), eq(kindState.kind, kind)));
      return row?.proven === 1;
    },

    async markComplete(connection, kind) {
      await db
        .insert(kindState)
        .values({ connectionId: connection, kind, complete: 1 })
        .onConflictDoUpdate({ target: [kindState.connectionId, kindState.kind], set: { complete: 1 } });
    },

    async isComplete(connection, kind) {
      const [row] = await db
        .select({ complete: kindState.complete })
        .from(kindState)
        .where(and(eq(kindState.connectionId, connection), eq(kindState.kind, kind)));
      return row?.complete === 1;
    },

    async addDrift(connection, kind, drift) {
      const { missed = 0, late = 0, rewritten = 0, deleted = 0 } = drift;
      if (missed + late + rewritten + deleted === 0) return;
      await db
        .insert(kindState)
        .values({
          connectionId: connection,
          kind,
          driftMissed: missed,
          driftLate: late,
          driftRewritten: rewritten,
          driftDeleted: deleted,
        })
        .onConflictDoUpdate({
          target: [kindState.connectionId, kindState.kind],
          set: {
            driftMissed: sql`${kindState.driftMissed} + ${missed}`,
            driftLate: sql`${kindState.driftLate} + ${late}`,
            driftRewritten: sql`${kindState.driftRewritten} + ${rewritten}`,
            driftDeleted: sql`${kindState.driftDeleted} + ${deleted}`,
          },
        });
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

    async markProven(connection, kind) {
      await db
        .insert(kindState)
        .values({ connectionId: connection, kind, singleProven: 1 })
        .onConflictDoUpdate({
          target: [kindState.connectionId, kindState.kind],
          set: { singleProven: 1 },
          setWhere: eq(kindState.singleProven, 0),
        });
    },
  };
}

export function assessmentsTakenStore(db: DrizzleD1Database): AssessmentsTaken {
  return {
    async note(connection, clientId, takenAt) {
      await db
        .insert(assessmentsTaken)
        .values({ connectionId: connection, clientId, takenAt })
        .onConflictDoUpdate({
          target: [assessmentsTaken.connectionId, assessmentsTaken.clientId],
          set: { takenAt },
          setWhere: sql`${assessmentsTaken.takenAt} < ${takenAt}`,
        });
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
