// The mirror's rows. One guarded statement writes them; everything else here reads.

import { and, asc, eq, gt, gte, inArray, isNull, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { type ConnectionId, type Kind, type RecordId, type Ref, refKey } from "../core/ids.ts";
import { gatekeeping, type MirrorRecord, type Version, type Write } from "../core/record.ts";
import type { RecordQuery, RecordStore } from "../sync/stores.ts";
import { refusals } from "./refusals.ts";
import { aliases, records } from "./schema.ts";

/**
 * Rows travel as one JSON parameter. The guard (WR3, WR4, WR7) is the same order of versions as core/decide.ts
 * states, applied to what the table holds at this instant, so a writer that decided against an older read, or
 * two writers at once, cannot move a record backwards:
 *  - over nothing: insert (a tombstone over nothing is nothing)
 *  - over a tombstone: a record whose fetch started later
 *  - a tombstone over a record: when its fetch started later
 *  - a record over a record: other content, and newer by the upstream's clock, or equal or undated there and
 *    fetched later; or over exactly the content that was decided against
 * And whatever its version: nothing of a purged client (PR4), and nothing cut to a field list that is no longer the
 * connection's (PR3). Both are judged here, in the instant of writing, so a fetch in flight cannot slip past.
 *
 * `seq` is the connection's next numbers, in the order of the parameter, given only to rows that are written:
 * row and feed position commit together.
 */
const COMMIT = `
INSERT INTO records (connection_id, kind, id, seq, updated_at, fetched_at, hash, organization_id, client_id,
                     status, terminal, deleted_at, body)
SELECT c.id, j.value ->> 'kind', j.value ->> 'id',
       max(c.seq_floor, coalesce((SELECT max(seq) FROM records WHERE connection_id = c.id), 0))
         + row_number() OVER (ORDER BY j.key),
       j.value ->> 'updatedAt', j.value ->> 'fetchedAt', j.value ->> 'hash', j.value ->> 'organizationId',
       j.value ->> 'clientId', j.value ->> 'status', j.value ->> 'terminal', j.value ->> 'deletedAt',
       j.value ->> 'body'
FROM connections c
CROSS JOIN json_each(?2) j
LEFT JOIN records r
  ON r.connection_id = c.id AND r.kind = j.value ->> 'kind' AND r.id = j.value ->> 'id'
WHERE c.id = ?1
AND (j.value ->> 'fields' IS NULL OR j.value ->> 'fields' = c.fields_version)
AND NOT EXISTS (
  SELECT 1 FROM suppressions s
  WHERE s.connection_id = c.id AND s.client_id IN (j.value ->> '$.clients[0]', j.value ->> '$.clients[1]'))
AND CASE
  WHEN r.id IS NULL THEN j.value ->> 'deletedAt' IS NULL
  WHEN r.deleted_at IS NOT NULL THEN
    j.value ->> 'deletedAt' IS NULL AND j.value ->> 'fetchedAt' > r.fetched_at
  WHEN j.value ->> 'deletedAt' IS NOT NULL THEN j.value ->> 'fetchedAt' > r.fetched_at
  WHEN j.value ->> 'hash' = r.hash THEN 0
  WHEN j.value ->> 'overHash' IS NOT NULL THEN j.value ->> 'overHash' = r.hash
  WHEN j.value ->> 'updatedAt' = 0 OR r.updated_at = 0 OR j.value ->> 'updatedAt' = r.updated_at THEN
    j.value ->> 'fetchedAt' > r.fetched_at
  ELSE j.value ->> 'updatedAt' > r.updated_at
END
ON CONFLICT (connection_id, kind, id) DO UPDATE SET
  seq = excluded.seq, updated_at = excluded.updated_at, fetched_at = excluded.fetched_at, hash = excluded.hash,
  organization_id = coalesce(excluded.organization_id, organization_id),
  client_id = coalesce(excluded.client_id, client_id),
  status = excluded.status, terminal = excluded.terminal, deleted_at = excluded.deleted_at, body = excluded.body
RETURNING kind, id`;

const VERSIONS = `
SELECT r.kind, r.id, r.updated_at AS updatedAt, r.fetched_at AS fetchedAt, r.hash, r.deleted_at AS deletedAt
FROM json_each(?2) j
CROSS JOIN records r
  ON r.connection_id = ?1 AND r.kind = j.value ->> 'kind' AND r.id = j.value ->> 'id'`;

/** How "the upstream gives no `updated_at`" is spelled in the table: sorts first, and needs no NULL rules. */
const UNDATED = 0;

export function recordStore(d1: D1Database, db: DrizzleD1Database): RecordStore {
  const refusing = refusals(d1);
  return {
    ...refusing,

    async versions(connection, refs) {
      const { results } = await d1.prepare(VERSIONS).bind(connection, JSON.stringify(refs)).all<VersionRow>();
      return new Map(results.map((row) => [refKey(row), toVersion(row)]));
    },

    async commit(connection, writes) {
      const rows = JSON.stringify(writes.map(toRow));
      const { results } = await d1.prepare(COMMIT).bind(connection, rows).all<Ref>();
      return new Set(results.map(refKey));
    },

    async one(connection, ref) {
      const found = await byId(db, connection, ref.kind, ref.id);
      if (found) return found;
      const [alias] = await db
        .select({ id: aliases.id })
        .from(aliases)
        .where(
          and(eq(aliases.connectionId, connection), eq(aliases.kind, ref.kind), eq(aliases.alias, ref.id)),
        );
      return alias && byId(db, connection, ref.kind, alias.id);
    },

    async page(connection, kind, query) {
      const rows = await db
        .select()
        .from(records)
        .where(and(eq(records.connectionId, connection), eq(records.kind, kind), ...conditions(query)))
        .orderBy(asc(records.updatedAt), asc(records.id))
        .limit(query.limit);
      return rows.map(toRecord);
    },

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
        .where(
          and(
            eq(records.connectionId, connection),
            eq(records.kind, kind),
            gt(records.id, after),
            isNull(records.deletedAt),
          ),
        )
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
        .where(
          and(
            eq(records.connectionId, connection),
            eq(records.kind, kind),
            gt(records.id, after),
            isNull(records.deletedAt),
          ),
        )
        .orderBy(asc(records.id))
        .limit(limit);
      return rows.map(toRecord);
    },

    async openReminders(connection) {
      const [row] = await db
        .select({ open: sql<number>`count(*)`, oldest: sql<number | null>`min(${records.updatedAt})` })
        .from(records)
        .where(
          and(
            eq(records.connectionId, connection),
            eq(records.kind, "reminders"),
            eq(records.status, "open"),
            isNull(records.deletedAt),
          ),
        );
      return { open: row?.open ?? 0, ...(typeof row?.oldest === "number" ? { oldest: row.oldest } : {}) };
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

type Row = typeof records.$inferSelect;
interface VersionRow extends Ref {
  readonly updatedAt: number;
  readonly fetchedAt: number;
  readonly hash: string;
  readonly deletedAt: number | null;
}

async function byId(db: DrizzleD1Database, connection: ConnectionId, kind: Kind, id: string) {
  const [row] = await db
    .select()
    .from(records)
    .where(and(eq(records.connectionId, connection), eq(records.kind, kind), eq(records.id, id)));
  return row && toRecord(row);
}

function conditions(query: RecordQuery): SQL[] {
  const { updatedAfter, organizations, status, clientId, after } = query;
  const found: SQL[] = [isNull(records.deletedAt)];
  if (updatedAfter !== undefined) found.push(gte(records.updatedAt, updatedAfter));
  // One JSON parameter: a key may name more organizations than D1 allows parameters.
  if (organizations !== undefined) {
    found.push(
      inArray(records.organizationId, sql`(SELECT value FROM json_each(${JSON.stringify(organizations)}))`),
    );
  }
  if (status !== undefined) found.push(eq(records.status, status));
  if (clientId !== undefined) found.push(eq(records.clientId, clientId));
  if (after !== undefined) {
    const position = sql`(${records.updatedAt}, ${records.id})`;
    found.push(gt(position, sql`(${after.updatedAt ?? UNDATED}, ${after.id})`));
  }
  return found;
}

function toRow(write: Write): Record<string, unknown> {
  if (write.write === "tombstone") {
    const { ref, fetchedAt } = write;
    // Of a deleted record nothing is kept but that it was, and when it was seen to be gone.
    return {
      ...ref,
      ...gatekeeping(write),
      updatedAt: fetchedAt,
      fetchedAt,
      hash: "",
      terminal: 1,
      deletedAt: fetchedAt,
      body: "null",
    };
  }
  const { snapshot, overHash } = write;
  return {
    ...snapshot,
    ...gatekeeping(write),
    updatedAt: snapshot.updatedAt ?? UNDATED,
    terminal: snapshot.terminal ? 1 : 0,
    overHash,
  };
}

function toVersion(row: Pick<VersionRow, "updatedAt" | "fetchedAt" | "hash" | "deletedAt">): Version {
  return {
    fetchedAt: row.fetchedAt,
    hash: row.hash,
    ...(row.updatedAt === UNDATED ? {} : { updatedAt: row.updatedAt }),
    ...(row.deletedAt === null ? {} : { deletedAt: row.deletedAt }),
  };
}

function toRecord(row: Row): MirrorRecord {
  return {
    ...toVersion(row),
    kind: row.kind as Kind,
    id: row.id as RecordId,
    seq: row.seq,
    terminal: row.terminal === 1,
    body: row.body,
    ...(row.organizationId === null ? {} : { organizationId: row.organizationId }),
    ...(row.clientId === null ? {} : { clientId: row.clientId }),
    ...(row.status === null ? {} : { status: row.status }),
  };
}
