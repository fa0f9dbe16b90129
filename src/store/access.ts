// The access log: rows of many entries, because rows are what it costs. A row holds entries of one minute, so reading
// newest first means taking whole minutes one after the other and ordering what is in each.

import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, Kind, RecordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { AccessAction, AccessEntry, AccessStore } from "../sync/privacy-stores.ts";
import { connections } from "./schema.ts";

const ADD = `
INSERT INTO access_log (connection_id, minute, id, entries)
SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM connections WHERE id = ?1)
ON CONFLICT (connection_id, minute, id) DO NOTHING`;

/**
 * Down the primary key, one minute at a time, until there are enough. An entry that was packed twice, in other company,
 * is the same text in the same minute: it is told once. The key is no index's first column: its entries are picked out
 * of its connection's.
 */
export const NEWEST = `
SELECT DISTINCT l.minute, e.value ->> 'id' AS id, e.value AS entry
FROM access_log l CROSS JOIN json_each(l.entries) e
WHERE l.connection_id = ?1 AND l.minute <= ?2 AND e.value ->> 'id' < ?3 AND (?4 IS NULL OR e.value ->> 'keyId' = ?4)
ORDER BY l.minute DESC, e.value ->> 'id' DESC LIMIT ?5`;

export const PURGE = `
DELETE FROM access_log WHERE connection_id = ?1 AND (minute, id) IN (
  SELECT minute, id FROM access_log WHERE connection_id = ?1 AND minute < ?2 ORDER BY minute LIMIT ?3)`;

const MINUTE_MS = 60_000;
/** Later than any entry. */
const NEVER = String(Number.MAX_SAFE_INTEGER);

type Stored = Omit<AccessEntry, "connection">;

interface Packed {
  readonly connection: ConnectionId;
  readonly minute: number;
  readonly id: string;
  readonly entries: readonly Stored[];
}

export function accessStore(
  d1: D1Database,
  db: DrizzleD1Database,
  digest: (text: string) => string,
): AccessStore {
  const known = async () => (await db.select({ id: connections.id }).from(connections)).map(({ id }) => id);

  async function newest(connection: string, query: Parameters<AccessStore["list"]>[0]) {
    const { key = null, before = NEVER, limit } = query;
    const { results } = await d1
      .prepare(NEWEST)
      .bind(connection, minuteOf(Number.parseInt(before, 10)), before, key, limit)
      .all<{ entry: string }>();
    return results.map(({ entry }) => toEntry(connection, JSON.parse(entry)));
  }

  return {
    async add(entries) {
      for (const rows of statements(pack(entries, digest))) {
        await d1.batch(
          rows.map(({ connection, minute, id, entries: own }) =>
            d1.prepare(ADD).bind(connection, minute, id, JSON.stringify(own)),
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

const minuteOf = (at: number) => Math.floor(at / MINUTE_MS);

/** The same entries in the same order make the same rows, whenever they come. */
function pack(entries: readonly AccessEntry[], digest: (text: string) => string): readonly Packed[] {
  const groups = Map.groupBy(entries, ({ connection, at }) => `${connection}/${minuteOf(at)}`);
  return [...groups.values()].flatMap((group) =>
    chunks(group, limits.accessRowEntries).flatMap((part): Packed[] => {
      const [first] = part;
      if (first === undefined) return [];
      const id = digest(part.map((entry) => entry.id).join()).slice(0, 32);
      const stored = part.map(({ connection: _, ...rest }) => rest);
      return [{ connection: first.connection, minute: minuteOf(first.at), id, entries: stored }];
    }),
  );
}

/** So many rows to a transaction that what is sent of them stays small. */
function statements(rows: readonly Packed[]): readonly (readonly Packed[])[] {
  const parts: Packed[][] = [];
  let room = 0;
  for (const row of rows) {
    room -= row.entries.length;
    const last = parts.at(-1);
    if (last === undefined || room < 0) {
      parts.push([row]);
      room = limits.accessStatementEntries - row.entries.length;
    } else last.push(row);
  }
  return parts;
}

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

type Nullable<T> = { readonly [Name in keyof T]: T[Name] | null };

/** Rows brought over from before say null where newer ones say nothing. */
function toEntry(connection: string, stored: Nullable<Stored>): AccessEntry {
  return {
    id: String(stored.id),
    connection: connection as ConnectionId,
    at: Number(stored.at),
    keyId: String(stored.keyId),
    action: stored.action as AccessAction,
    status: Number(stored.status),
    ...(stored.kind ? { kind: stored.kind as Kind } : {}),
    ...(stored.recordId ? { recordId: stored.recordId as RecordId } : {}),
    ...(typeof stored.records === "number" ? { records: stored.records } : {}),
  };
}
