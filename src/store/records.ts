// The mirror's rows. They are written in commit.ts; everything here reads.

import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { type ConnectionId, type Kind, type RecordId, type Ref, refKey } from "../core/ids.ts";
import type { Version } from "../core/record.ts";
import type { RecordStore } from "../sync/stores.ts";
import { changeFeed } from "./changes.ts";
import { commitWrites } from "./commit.ts";
import { listPage } from "./lists.ts";
import { refusals } from "./refusals.ts";
import { ask, COLUMNS, type Question, type RecordRow, toRecord, toVersion, type VersionRow } from "./rows.ts";
import { aliases, records } from "./schema.ts";

const VERSIONS = `
SELECT r.kind, r.id, r.updated_at AS updatedAt, r.fetched_at AS fetchedAt, r.hash, r.deleted_at AS deletedAt
FROM json_each(?2) j
CROSS JOIN records r
  ON r.connection_id = ?1 AND r.kind = j.value ->> 'kind' AND r.id = j.value ->> 'id'`;

// The hottest statement of all; building it anew for every read costs more than the database takes.
const ONE = `SELECT ${COLUMNS} FROM records WHERE connection_id = ?1 AND kind = ?2 AND id = ?3`;

export function recordStore(d1: D1Database, db: DrizzleD1Database): RecordStore {
  const refusing = refusals(d1);
  return {
    ...changeFeed(d1, db),
    ...refusing,

    versions: (connection, refs) => ask(versionsOf(d1, connection, refs)),

    commit: (connection, writes) => commitWrites(d1, connection, writes),

    async one(connection, ref) {
      const found = await byId(d1, connection, ref.kind, ref.id);
      if (found) return found;
      const [alias] = await db
        .select({ id: aliases.id })
        .from(aliases)
        .where(
          and(eq(aliases.connectionId, connection), eq(aliases.kind, ref.kind), eq(aliases.alias, ref.id)),
        );
      return alias && byId(d1, connection, ref.kind, alias.id);
    },

    page: (connection, kind, query) => listPage(d1, connection, kind, query),

    async addAlias(connection, kind, alias, id) {
      const { meta } = await db.run(sql`
        INSERT INTO aliases (connection_id, kind, alias, id)
        SELECT c.id, ${kind}, ${alias}, ${id} FROM connections c
        WHERE c.id = ${connection} AND (${kind} <> 'clients' OR NOT EXISTS (
          SELECT 1 FROM suppressions s WHERE s.connection_id = c.id AND s.client_id IN (${alias}, ${id})))
        ON CONFLICT (connection_id, kind, alias) DO UPDATE SET id = excluded.id WHERE aliases.id <> excluded.id`);
      if (meta.changes > 0) return true;
      const refs = [alias, id].map((one) => ({ kind, id: one }));
      return (await refusing.suppressed(connection, refs)).size === 0;
    },

    async ids(connection, kind, after, limit) {
      const rows = await db
        .select({ id: records.id, organizationId: records.organizationId })
        .from(records)
        .where(liveAfter(connection, kind, after))
        .orderBy(asc(records.id))
        .limit(limit);
      return rows.map(({ id, organizationId }) => ({
        id: id as RecordId,
        ...(organizationId === null ? {} : { organizationId }),
      }));
    },

    async slice(connection, kind, after, limit) {
      const rows = await db
        .select()
        .from(records)
        .where(liveAfter(connection, kind, after))
        .orderBy(asc(records.id))
        .limit(limit);
      return rows.map(toRecord);
    },

    async openReminders(connection, now) {
      const [row] = await db
        .select({
          open: sql<number>`count(*)`,
          overHour: sql<number>`coalesce(sum(${records.updatedAt} < ${now - 3_600_000}), 0)`,
          overDay: sql<number>`coalesce(sum(${records.updatedAt} < ${now - 86_400_000}), 0)`,
          oldest: sql<number | null>`min(${records.updatedAt})`,
        })
        .from(records)
        .where(
          and(
            eq(records.connectionId, connection),
            eq(records.kind, "reminders"),
            eq(records.status, "open"),
            isNull(records.deletedAt),
          ),
        );
      const { open, overHour, overDay, oldest } = row ?? { open: 0, overHour: 0, overDay: 0, oldest: null };
      return { open, overHour, overDay, ...(oldest === null ? {} : { oldest }) };
    },

    async bookmark() {
      const session = d1.withSession("first-primary");
      await session.prepare("SELECT 1").run();
      return session.getBookmark() ?? undefined;
    },

    async counts(connection) {
      const rows = await db
        .select({ kind: records.kind, count: sql<number>`count(*)` })
        .from(records)
        .where(and(eq(records.connectionId, connection), isNull(records.deletedAt)))
        .groupBy(records.kind);
      return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
    },
  };
}

export function versionsOf(
  d1: D1Database,
  connection: ConnectionId,
  refs: readonly Ref[],
): Question<ReadonlyMap<string, Version>> {
  return {
    statement: d1.prepare(VERSIONS).bind(connection, JSON.stringify(refs)),
    read: (rows) => new Map((rows as VersionRow[]).map((row) => [refKey(row), toVersion(row)])),
  };
}

async function byId(d1: D1Database, connection: ConnectionId, kind: Kind, id: string) {
  const row = await d1.prepare(ONE).bind(connection, kind, id).first<RecordRow>();
  return row === null ? undefined : toRecord(row);
}

function liveAfter(connection: ConnectionId, kind: Kind, after: string): SQL | undefined {
  return and(
    eq(records.connectionId, connection),
    eq(records.kind, kind),
    gt(records.id, after),
    isNull(records.deletedAt),
  );
}
