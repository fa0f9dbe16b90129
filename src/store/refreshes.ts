// Who may ask for a record's refresh: one reader per time to live, in whichever isolate it is answered.

import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { RefreshStore } from "../sync/stores.ts";

export function refreshStore(db: DrizzleD1Database): RefreshStore {
  return {
    async claim(connection, { kind, id }, now, everyMs) {
      const claimed = await db.run(sql`
        INSERT INTO refreshes (connection_id, kind, id, claimed_at)
        SELECT id, ${kind}, ${id}, ${now} FROM connections WHERE id = ${connection}
        ON CONFLICT (connection_id, kind, id) DO UPDATE SET claimed_at = excluded.claimed_at
        WHERE claimed_at <= ${now - everyMs}`);
      return claimed.meta.changes > 0;
    },

    async purgeBefore(claimedBefore) {
      const purged = await db.run(sql`DELETE FROM refreshes WHERE claimed_at < ${claimedBefore}`);
      return purged.meta.changes;
    },
  };
}
