// The change feed: `records` in order of `seq` (FD1). A key bound to organizations sees beside its own rows where
// records left them. One batch is one transaction, so a page is one instant of the mirror.

import { and, asc, eq, gt, inArray, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Kind, RecordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { Changes, ChangesQuery, RecordStore } from "../sync/stores.ts";
import { COLUMNS, type RecordRow, toRecord } from "./rows.ts";
import { departures, records } from "./schema.ts";

// For a reader who sees everything the rows are the window; written out, because every follower asks it all the time.
const ALL = `SELECT ${COLUMNS} FROM records WHERE connection_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3`;

type Positioned = typeof records | typeof departures;

export function changeFeed(d1: D1Database, db: DrizzleD1Database): Pick<RecordStore, "changes" | "lastSeq"> {
  return {
    async changes(connection, query) {
      const { organizations, kinds, after, limit } = query;
      if (organizations === undefined && kinds === undefined) {
        const { results } = await d1
          .prepare(ALL)
          .bind(connection, after, limit + 1)
          .all<RecordRow>();
        const rows = results.slice(0, limit).map(toRecord);
        return { rows, next: rows.at(-1)?.seq ?? after, more: results.length > limit };
      }
      const window = windowOf(connection, query);
      const edge = db
        .select({ last: sql<number | null>`max(seq)`, scanned: sql<number>`count(*)` })
        .from(window);
      const stayed = db
        .select()
        .from(records)
        .where(and(...inWindow(records, connection, query, window)))
        .orderBy(asc(records.seq))
        .limit(query.limit + 1);
      if (organizations === undefined) {
        const [[end], rows] = await db.batch([edge, stayed]);
        return toPage(query, rows.map(toRecord), end);
      }
      const departed = db
        .select()
        .from(departures)
        .where(and(...inWindow(departures, connection, query, window), isAway(organizations)))
        .orderBy(asc(departures.seq))
        .limit(query.limit + 1);
      const [[end], rows, left] = await db.batch([edge, stayed, departed]);
      const found = [...rows.map(toRecord), ...left.map(toTombstone)].sort((a, b) => a.seq - b.seq);
      return toPage(query, found, end);
    },

    async lastSeq(connection) {
      const [row] = await db
        .select({ seq: sql<number | null>`max(${records.seq})` })
        .from(records)
        .where(eq(records.connectionId, connection));
      return row?.seq ?? 0;
    },
  };
}

/** The next positions after `after`: a bounded number, of rows and departures alike. */
function windowOf(connection: string, query: ChangesQuery): SQL {
  const next = (table: Positioned) => sql`
    SELECT seq FROM (
      SELECT seq FROM ${table} WHERE connection_id = ${connection} AND seq > ${query.after}
      ORDER BY seq LIMIT ${limits.changesScan})`;
  if (query.organizations === undefined) return sql`(${next(records)})`;
  return sql`(${next(records)} UNION ALL ${next(departures)} ORDER BY seq LIMIT ${limits.changesScan})`;
}

function inWindow(table: Positioned, connection: string, query: ChangesQuery, window: SQL): SQL[] {
  const { after, kinds, organizations } = query;
  return [
    eq(table.connectionId, connection),
    gt(table.seq, after),
    sql`${table.seq} <= (SELECT max(seq) FROM ${window})`,
    ...(kinds === undefined ? [] : [inArray(table.kind, listed(kinds))]),
    ...(organizations === undefined ? [] : [inArray(table.organizationId, listed(organizations))]),
  ];
}

/** One JSON parameter: a key may name more organizations than D1 allows parameters. */
function listed(values: readonly string[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

/** The record is not with the reader any more, and this was the last of the reader's organizations it left. */
function isAway(organizations: readonly string[]): SQL {
  const theirs = listed(organizations);
  return sql`NOT EXISTS (
      SELECT 1 FROM records r WHERE r.connection_id = departures.connection_id AND r.kind = departures.kind
        AND r.id = departures.id AND r.organization_id IN ${theirs})
    AND NOT EXISTS (
      SELECT 1 FROM departures d WHERE d.connection_id = departures.connection_id AND d.kind = departures.kind
        AND d.id = departures.id AND d.seq > departures.seq AND d.organization_id IN ${theirs})`;
}

function toPage(
  query: ChangesQuery,
  found: readonly MirrorRecord[],
  end: { readonly last: number | null; readonly scanned: number } | undefined,
): Changes {
  const rows = found.slice(0, query.limit);
  const last = rows.at(-1);
  if (found.length > query.limit && last !== undefined) return { rows, next: last.seq, more: true };
  return { rows, next: end?.last ?? query.after, more: end?.scanned === limits.changesScan };
}

/** For this reader it is as if it had been deleted: nothing says where it went. */
function toTombstone({ kind, id, seq, leftAt }: typeof departures.$inferSelect): MirrorRecord {
  return {
    kind: kind as Kind,
    id: id as RecordId,
    seq,
    fetchedAt: leftAt,
    updatedAt: leftAt,
    deletedAt: leftAt,
    hash: "",
    terminal: true,
    body: "null",
  };
}
