// API keys of the apps that read the mirror: found by hash, never kept in clear.

import { asc, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, Kind } from "../core/ids.ts";
import type { ApiKey, KeyStore } from "../sync/stores.ts";
import { apiKeys } from "./schema.ts";

export function keyStore(db: DrizzleD1Database): KeyStore {
  return {
    async add({ id, connection, name, organizations, kinds, createdAt, expiresAt }, keyHash) {
      await db.run(sql`
        INSERT INTO api_keys (id, key_hash, connection_id, name, organizations, kinds, created_at, expires_at)
        SELECT ${id}, ${keyHash}, id, ${name}, ${organizations ? JSON.stringify(organizations) : null},
               ${kinds ? JSON.stringify(kinds) : null}, ${createdAt}, ${expiresAt ?? null}
        FROM connections WHERE id = ${connection}`);
    },

    async find(keyHash) {
      const [row] = await db.select().from(apiKeys).where(eq(apiKeys.keyHash, keyHash));
      return row && toKey(row);
    },

    async list() {
      return (await db.select().from(apiKeys).orderBy(asc(apiKeys.createdAt))).map(toKey);
    },

    async remove(id) {
      const removed = await db.delete(apiKeys).where(eq(apiKeys.id, id)).returning({ id: apiKeys.id });
      return removed.length > 0;
    },
  };
}

function toKey(row: typeof apiKeys.$inferSelect): ApiKey {
  return {
    id: row.id,
    connection: row.connectionId as ConnectionId,
    name: row.name,
    createdAt: row.createdAt,
    ...(row.organizations === null ? {} : { organizations: row.organizations }),
    ...(row.kinds === null ? {} : { kinds: row.kinds as Kind[] }),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt }),
  };
}
