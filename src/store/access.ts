// The access log: rows of many entries, because rows are what it costs. A row holds entries of one minute, so reading
// newest first means taking whole minutes one after the other and ordering what is in each.

import type { DrizzleD1Database } from "drizzle-orm/d1";
import { type AccessPart, entryOf, minuteOf } from "../core/access.ts";
import type { ConnectionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { runsOf } from "../core/runs.ts";
import type { AccessStore } from "../sync/privacy-stores.ts";
import { connections } from "./schema.ts";

const ADD = `
INSERT INTO access_log (connection_id, minute, id, entries)
SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM connections WHERE id = ?1)
ON CONFLICT (connection_id, minute, id) DO NOTHING`;

/**
 * Down the primary key, one minute at a time, until there are enough. An entry that was packed twice, in other company,
 * is the same in the same minute: it is told once. The key is no index's first column: its entries are picked out of
 * its connection's. What a part says once is cut from it first (`h`): taking it out of the whole part for every entry
 * costs ten times as much.
 */
export const NEWEST = `
SELECT DISTINCT l.minute,
  printf('%013d-%s-%d', (h.value ->> 'since') + (e.value ->> 0), h.value ->> 'origin', (h.value ->> 'first') + e.key)
    AS entryId,
  h.value AS head, e.value AS entry
FROM access_log l
CROSS JOIN json_each(l.entries) p
CROSS JOIN json_each(json_array(json_remove(p.value, '$.entries'))) h
CROSS JOIN json_each(p.value, '$.entries') e
WHERE l.connection_id = ?1 AND l.minute <= ?2 AND (?4 IS NULL OR h.value ->> 'key' = ?4) AND entryId < ?3
ORDER BY l.minute DESC, entryId DESC LIMIT ?5`;

export const PURGE = `
DELETE FROM access_log WHERE connection_id = ?1 AND (minute, id) IN (
  SELECT minute, id FROM access_log WHERE connection_id = ?1 AND minute < ?2 ORDER BY minute LIMIT ?3)`;

/** Later than any entry. */
const NEVER = String(Number.MAX_SAFE_INTEGER);

interface Row {
  readonly connection: ConnectionId;
  readonly minute: number;
  readonly id: string;
  /** JSON: an array of parts, as core/access.ts makes them. */
  readonly entries: string;
}

export function accessStore(
  d1: D1Database,
  db: DrizzleD1Database,
  digest: (text: string) => string,
): AccessStore {
  const known = async () => {
    const rows = await db.select({ id: connections.id }).from(connections);
    return rows.map(({ id }) => id as ConnectionId);
  };

  async function newest(connection: ConnectionId, query: Parameters<AccessStore["list"]>[0]) {
    const { key = null, before = NEVER, limit } = query;
    const { results } = await d1
      .prepare(NEWEST)
      .bind(connection, minuteOf(Number.parseInt(before, 10)), before, key, limit)
      .all<Found>();
    return results.map(({ entryId, head, entry }) => entryOf(connection, entryId, head, entry));
  }

  return {
    async add(parts) {
      const size = ({ entries }: Row) => entries.length;
      for (const rows of runsOf(pack(parts, digest), size, { size: limits.accessStatementChars })) {
        await d1.batch(
          rows.map(({ connection, minute, id, entries }) =>
            d1.prepare(ADD).bind(connection, minute, id, entries),
          ),
        );
      }
    },

    async list(query) {
      // Connections are few; each is read by its own key, never the whole table.
      const of = query.connection === undefined ? await known() : [query.connection];
      const found = (await Promise.all(of.map((connection) => newest(connection, query)))).flat();
      return found.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit);
    },

    async purgeBefore(at, limit) {
      let removed = 0;
      for (const connection of await known()) {
        if (removed >= limit) break;
        const { meta } = await d1
          .prepare(PURGE)
          .bind(connection, minuteOf(at), limit - removed)
          .run();
        removed += meta.changes;
      }
      return removed;
    },
  };
}

/** The same parts in the same order make the same rows, whenever they come. */
function pack(parts: readonly AccessPart[], digest: (text: string) => string): readonly Row[] {
  const groups = Map.groupBy(parts, ({ connection, minute }) => `${connection}/${minute}`);
  return [...groups.values()].flatMap((group) =>
    runsOf(group, ({ text }) => text.length, { size: limits.accessRowChars }).map(([first, ...rest]): Row => {
      const all = [first, ...rest];
      return {
        ...{ connection: first.connection, minute: first.minute },
        id: digest(all.map(({ id }) => id).join()).slice(0, 32),
        entries: `[${all.map(({ text }) => text).join()}]`,
      };
    }),
  );
}

interface Found {
  readonly entryId: string;
  /** JSON: what its part says of all its entries, and the entry. */
  readonly head: string;
  readonly entry: string;
}
