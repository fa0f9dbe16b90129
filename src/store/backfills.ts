// Backfills: one row per user and client, which is what makes a login's work happen once.

import { and, eq, inArray, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, RecordId } from "../core/ids.ts";
import type { Backfill, BackfillStore } from "../sync/stores.ts";
import { backfills } from "./schema.ts";

export function backfillStore(db: DrizzleD1Database): BackfillStore {
  return {
    async begin(connection, userId, clientId, id, now) {
      await db.run(sql`
        INSERT INTO backfills (connection_id, user_id, client_id, id, status, created_at, updated_at)
        SELECT id, ${userId}, ${clientId}, ${id}, 'queued', ${now}, ${now} FROM connections
        WHERE id = ${connection} AND NOT EXISTS (
          SELECT 1 FROM suppressions WHERE connection_id = ${connection} AND client_id = ${clientId})
        ON CONFLICT DO NOTHING`);
      const [found] = await db
        .select()
        .from(backfills)
        .where(
          and(
            eq(backfills.connectionId, connection),
            eq(backfills.userId, userId),
            eq(backfills.clientId, clientId),
          ),
        );
      if (found === undefined) throw new Error("a backfill was cleared while it was being looked up");
      return { backfill: toBackfill(found), created: found.id === id };
    },

    async get(connection, id) {
      const [row] = await db
        .select()
        .from(backfills)
        .where(and(eq(backfills.id, id), eq(backfills.connectionId, connection)));
      return row && toBackfill(row);
    },

    async set(id, status, reason, now) {
      await db
        .update(backfills)
        .set({ status, reason: reason ?? null, updatedAt: now })
        .where(eq(backfills.id, id));
    },

    async clearClient(connection, clientId) {
      await db
        .delete(backfills)
        .where(and(eq(backfills.connectionId, connection), eq(backfills.clientId, clientId)));
    },

    async stale(connection, updatedBefore, limit) {
      const rows = await db
        .select()
        .from(backfills)
        .where(
          and(
            eq(backfills.connectionId, connection),
            inArray(backfills.status, ["queued", "running"]),
            lt(backfills.updatedAt, updatedBefore),
          ),
        )
        .limit(limit);
      return rows.map(toBackfill);
    },
  };
}

function toBackfill(row: typeof backfills.$inferSelect): Backfill {
  return {
    id: row.id,
    connection: row.connectionId as ConnectionId,
    clientId: row.clientId as RecordId,
    status: row.status,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}
