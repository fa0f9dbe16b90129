// The access log: one row per read, in the order of time within its connection.

import { and, desc, eq, lt, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, Kind, RecordId } from "../core/ids.ts";
import type { AccessAction, AccessEntry, AccessStore } from "../sync/privacy-stores.ts";
import { accessLog, connections } from "./schema.ts";

const ADD = `
INSERT INTO access_log (connection_id, id, at, key_id, action, kind, record_id, records, status)
SELECT j.value ->> 'connection', j.value ->> 'id', j.value ->> 'at', j.value ->> 'keyId', j.value ->> 'action',
       j.value ->> 'kind', j.value ->> 'recordId', j.value ->> 'records', j.value ->> 'status'
FROM json_each(?1) j WHERE EXISTS (SELECT 1 FROM connections WHERE id = j.value ->> 'connection')
ON CONFLICT (connection_id, id) DO NOTHING`;

const PURGE = `
DELETE FROM access_log WHERE connection_id = ?1 AND id IN (
  SELECT id FROM access_log WHERE connection_id = ?1 AND id < ?2 ORDER BY id LIMIT ?3)`;

export function accessStore(d1: D1Database, db: DrizzleD1Database): AccessStore {
  const known = async () => (await db.select({ id: connections.id }).from(connections)).map(({ id }) => id);

  /** The key is no index's first column: its entries are picked out of its connection's. */
  function newest(connection: string, { key, before, limit }: Parameters<AccessStore["list"]>[0]) {
    const conditions: SQL[] = [eq(accessLog.connectionId, connection)];
    if (before !== undefined) conditions.push(lt(accessLog.id, before));
    if (key !== undefined) conditions.push(eq(accessLog.keyId, key));
    return db
      .select()
      .from(accessLog)
      .where(and(...conditions))
      .orderBy(desc(accessLog.id))
      .limit(limit);
  }

  return {
    async add(entries) {
      if (entries.length > 0) await d1.prepare(ADD).bind(JSON.stringify(entries)).run();
    },

    async list(query) {
      // Connections are few; each is read by its own key, never the whole table.
      const of = query.connection === undefined ? await known() : [query.connection];
      const rows = (await Promise.all(of.map((connection) => newest(connection, query)))).flat();
      return rows
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, query.limit)
        .map(toEntry);
    },

    async purgeBefore(at, limit) {
      let removed = 0;
      for (const connection of await known()) {
        if (removed >= limit) break;
        const { meta } = await d1
          .prepare(PURGE)
          .bind(connection, timePart(at), limit - removed)
          .run();
        removed += meta.changes;
      }
      return removed;
    },
  };
}

const timePart = (at: number) => String(at).padStart(13, "0");

function toEntry(row: typeof accessLog.$inferSelect): AccessEntry {
  return {
    id: row.id,
    connection: row.connectionId as ConnectionId,
    at: row.at,
    keyId: row.keyId,
    action: row.action as AccessAction,
    status: row.status,
    ...(row.kind === null ? {} : { kind: row.kind as Kind }),
    ...(row.recordId === null ? {} : { recordId: row.recordId as RecordId }),
    ...(row.records === null ? {} : { records: row.records }),
  };
}
