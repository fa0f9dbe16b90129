// Rebuilds: one row per kind, with the checkpoint that makes them resumable.

import { and, eq, inArray, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { KINDS, type Kind } from "../core/ids.ts";
import type { PageRun, Rebuild, RebuildStore } from "../sync/stores.ts";
import { rebuilds } from "./schema.ts";

const UNDER_WAY = ["queued", "running"] as const;

export function rebuildStore(db: DrizzleD1Database): RebuildStore {
  return {
    async order(connection, kind, run, recordsBefore, now) {
      await db.run(sql`
        INSERT INTO rebuilds (connection_id, kind, status, run, records_before, started_at, updated_at)
        SELECT id, ${kind}, 'queued', ${JSON.stringify(run)}, ${recordsBefore}, ${now}, ${now}
        FROM connections WHERE id = ${connection}
        ON CONFLICT (connection_id, kind) DO UPDATE SET
          status = excluded.status, reason = NULL, run = excluded.run, records_before = excluded.records_before,
          started_at = excluded.started_at, updated_at = excluded.updated_at
        WHERE status NOT IN ('queued', 'running')`);
    },

    async list(connection) {
      const rows = await db.select().from(rebuilds).where(eq(rebuilds.connectionId, connection));
      return rows.map(toRebuild).sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
    },

    async save(connection, kind, run, now) {
      const saved = await db
        .update(rebuilds)
        .set({ status: "running", run, updatedAt: now })
        .where(
          and(
            eq(rebuilds.connectionId, connection),
            eq(rebuilds.kind, kind),
            inArray(rebuilds.status, [...UNDER_WAY]),
          ),
        )
        .returning({ kind: rebuilds.kind });
      return saved.length > 0;
    },

    async finish(connection, kind, status, run, reason, now) {
      await db
        .update(rebuilds)
        .set({ status, run, reason: reason ?? null, updatedAt: now })
        .where(and(eq(rebuilds.connectionId, connection), eq(rebuilds.kind, kind)));
    },

    async cancel(connection, now) {
      const cancelled = await db
        .update(rebuilds)
        .set({ status: "cancelled", updatedAt: now })
        .where(and(eq(rebuilds.connectionId, connection), inArray(rebuilds.status, [...UNDER_WAY])))
        .returning({ kind: rebuilds.kind });
      return cancelled.length;
    },
  };
}

function toRebuild(row: typeof rebuilds.$inferSelect): Rebuild {
  return {
    kind: row.kind as Kind,
    status: row.status,
    run: row.run as PageRun,
    recordsBefore: row.recordsBefore,
    startedAt: row.startedAt,
    updatedAt: row.updatedAt,
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}
