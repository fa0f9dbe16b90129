// A changed field list and what is left to do about it. The list and the work it makes are one transaction: a list
// that was narrowed is never without somebody who still has to cut what is stored.

import { and, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Kind, RecordId } from "../core/ids.ts";
import type { Minimisation, MinimisationStore } from "../sync/privacy-stores.ts";
import { minimisations } from "./schema.ts";

const CHANGE = `
UPDATE connections SET fields = ?2, fields_version = fields_version + 1
WHERE id = ?1 AND fields_version = ?3 RETURNING id`;

// A cut that was under way starts over where fields were taken away again, and goes on where they were not.
const ORDER = `
INSERT INTO minimisations (connection_id, kind, version, ordered_at, cut_from, refetch, updated_at)
SELECT c.id, j.value ->> 'kind', c.fields_version, ?4, CASE j.value ->> 'cut' WHEN 1 THEN '' END,
       j.value ->> 'refetch', ?4
FROM connections c CROSS JOIN json_each(?2) j
WHERE c.id = ?1 AND c.fields_version = ?3 + 1
ON CONFLICT (connection_id, kind) DO UPDATE SET
  version = excluded.version, ordered_at = excluded.ordered_at, updated_at = excluded.updated_at,
  cut_from = coalesce(excluded.cut_from, cut_from), refetch = max(refetch, excluded.refetch)`;

export function minimisationStore(d1: D1Database, db: DrizzleD1Database): MinimisationStore {
  return {
    async order(connection, fields, from, work, now) {
      const [changed] = await d1.batch([
        d1.prepare(CHANGE).bind(connection, JSON.stringify(fields), from),
        d1.prepare(ORDER).bind(connection, JSON.stringify(work), from, now),
      ]);
      return (changed?.results.length ?? 0) > 0;
    },

    async list(connection) {
      const rows = await db
        .select()
        .from(minimisations)
        .where(eq(minimisations.connectionId, connection))
        .orderBy(sql`cut_from IS NULL`, minimisations.kind);
      return rows.map(toMinimisation);
    },

    async save(connection, { kind, version, cutFrom, refetch }, now) {
      const row = and(
        eq(minimisations.connectionId, connection),
        eq(minimisations.kind, kind),
        eq(minimisations.version, version),
      );
      if (cutFrom === undefined && !refetch) await db.delete(minimisations).where(row);
      else {
        await db
          .update(minimisations)
          .set({ cutFrom: cutFrom ?? null, refetch: refetch ? 1 : 0, updatedAt: now })
          .where(row);
      }
    },
  };
}

function toMinimisation(row: typeof minimisations.$inferSelect): Minimisation {
  return {
    kind: row.kind as Kind,
    version: row.version,
    orderedAt: row.orderedAt,
    refetch: row.refetch === 1,
    updatedAt: row.updatedAt,
    ...(row.cutFrom === null ? {} : { cutFrom: row.cutFrom as RecordId | "" }),
  };
}
