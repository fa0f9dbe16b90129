// Parked messages. What is listed has no payload; the message itself leaves only to be sent again.

import { and, asc, desc, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, Kind, RecordId } from "../core/ids.ts";
import type { DeadLetter, DeadLetterStore } from "../sync/stores.ts";
import { deadLetters } from "./schema.ts";

// A message about a purged client is not kept: sent again it would do nothing, and it names whom to forget (PR4).
const PARK = `
INSERT INTO dead_letters (id, connection_id, queue, type, kind, record_id, reason, attempts, since, parked_at, message)
SELECT j.value ->> 'id', j.value ->> 'connection', j.value ->> 'queue', j.value ->> 'type',
       j.value ->> '$.ref.kind', j.value ->> '$.ref.id', j.value ->> 'reason', j.value ->> 'attempts',
       j.value ->> 'since', j.value ->> 'parkedAt', j.value -> 'message'
FROM json_each(?1) j WHERE EXISTS (SELECT 1 FROM connections WHERE id = j.value ->> 'connection')
AND NOT EXISTS (
  SELECT 1 FROM suppressions s WHERE s.connection_id = j.value ->> 'connection' AND s.client_id IN (
    CASE WHEN j.value ->> '$.ref.kind' IN ('clients', 'assessment-status') THEN j.value ->> '$.ref.id' END,
    j.value ->> '$.message.what.payload.client_id'))
ON CONFLICT (id) DO NOTHING`;

export function deadLetterStore(d1: D1Database, db: DrizzleD1Database): DeadLetterStore {
  return {
    async park(letters) {
      await d1.prepare(PARK).bind(JSON.stringify(letters)).run();
    },

    async list(connection, limit) {
      const rows = await db
        .select()
        .from(deadLetters)
        .where(connection === undefined ? undefined : eq(deadLetters.connectionId, connection))
        .orderBy(desc(deadLetters.parkedAt))
        .limit(limit);
      return rows.map(toLetter);
    },

    async take(which, limit) {
      const conditions: SQL[] = [];
      if ("id" in which) conditions.push(eq(deadLetters.id, which.id));
      else {
        conditions.push(lt(deadLetters.parkedAt, which.parkedBefore));
        if (which.connection !== undefined) conditions.push(eq(deadLetters.connectionId, which.connection));
      }
      return db
        .select({ id: deadLetters.id, queue: deadLetters.queue, message: deadLetters.message })
        .from(deadLetters)
        .where(and(...conditions))
        .orderBy(asc(deadLetters.parkedAt))
        .limit(limit);
    },

    async remove(ids) {
      if (ids.length === 0) return;
      await db
        .delete(deadLetters)
        .where(inArray(deadLetters.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`));
    },

    async count(connection) {
      return db.$count(deadLetters, eq(deadLetters.connectionId, connection));
    },
  };
}

function toLetter(row: typeof deadLetters.$inferSelect): DeadLetter {
  return {
    id: row.id,
    connection: (row.connectionId ?? undefined) as ConnectionId | undefined,
    queue: row.queue,
    type: row.type,
    reason: row.reason,
    attempts: row.attempts,
    since: row.since,
    parkedAt: row.parkedAt,
    ...(row.kind === null || row.recordId === null
      ? {}
      : { ref: { kind: row.kind as Kind, id: row.recordId as RecordId } }),
  };
}
