// The ledger: event ids already done. Written in one statement per batch, after the records it speaks of. Its key is
// in order of days, so that what is asked by time needs no index, which would be a second billed row per event.

import {
  and,
  asc,
  desc,
  eq,
  gt,
  gte,
  inArray,
  isNotNull,
  lt,
  notInArray,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ConnectionId, EventId, Kind, RecordId } from "../core/ids.ts";
import type { EventOutcome, Ledger, LedgerEntry } from "../sync/stores.ts";
import type { Question } from "./rows.ts";
import { events } from "./schema.ts";

const DAY_MS = 86_400_000;

/** The days the connection's ledger holds, newest first: a handful, each found by one step in the key. */
const DAYS = `
WITH RECURSIVE days(day) AS (
  SELECT max(day) FROM events WHERE connection_id = ?1
  UNION ALL
  SELECT (SELECT max(day) FROM events WHERE connection_id = ?1 AND day < days.day) FROM days WHERE days.day IS NOT NULL
)`;

const KNOWN = `${DAYS}
SELECT e.event_id AS id FROM json_each(?2) j CROSS JOIN days d
CROSS JOIN events e ON e.connection_id = ?1 AND e.day = d.day AND e.event_id = j.value`;

const DONE = `${KNOWN} WHERE e.done_at IS NOT NULL`;

// An event has one row: what comes again on another day finds it where it is.
// Of an event about a purged client the ledger knows only that it was (PR4).
// A parked event that is done after all moves on; one that is done never moves back.
const RECORD = `${DAYS},
parsed AS MATERIALIZED (
  SELECT jsonb(value) AS row FROM json_each(?2)
)
INSERT INTO events (connection_id, day, event_id, type, kind, record_id, created_at, received_at, done_at, outcome,
                    attempts)
SELECT ?1,
       coalesce((SELECT e.day FROM days d CROSS JOIN events e
                 ON e.connection_id = ?1 AND e.day = d.day AND e.event_id = row ->> 'eventId'),
                (row ->> 'receivedAt') / ${DAY_MS}),
       row ->> 'eventId', row ->> 'type', row ->> '$.ref.kind',
       CASE WHEN row ->> '$.ref.kind' IN ('clients', 'assessment-status') AND EXISTS (
         SELECT 1 FROM suppressions WHERE connection_id = ?1 AND client_id = row ->> '$.ref.id')
       THEN NULL ELSE row ->> '$.ref.id' END,
       row ->> 'createdAt', row ->> 'receivedAt', row ->> 'doneAt', row ->> 'outcome',
       row ->> 'attempts'
FROM parsed WHERE EXISTS (SELECT 1 FROM connections WHERE id = ?1)
ON CONFLICT (connection_id, day, event_id) DO UPDATE SET
  done_at = excluded.done_at, outcome = excluded.outcome, attempts = excluded.attempts
WHERE events.done_at IS NULL`;

/** The newest changes say how fast the mirror is now; more would say how fast it was. */
const LATENCY_EVENTS = 200;

export function ledgerStore(d1: D1Database, db: DrizzleD1Database): Ledger {
  return {
    async known(connection, ids) {
      if (ids.length === 0) return new Set();
      const { results } = await d1
        .prepare(KNOWN)
        .bind(connection, JSON.stringify(ids))
        .all<{ id: EventId }>();
      return new Set(results.map(({ id }) => id));
    },

    async record(connection, entries) {
      await d1.prepare(RECORD).bind(connection, JSON.stringify(entries)).run();
    },

    async list({ connection, outcome, limit }) {
      const conditions: SQL[] = [];
      if (connection !== undefined) conditions.push(eq(events.connectionId, connection));
      if (outcome !== undefined) conditions.push(eq(events.outcome, outcome));
      const rows = await db
        .select()
        .from(events)
        .where(and(...conditions))
        .orderBy(desc(events.day), desc(events.receivedAt))
        .limit(limit);
      return rows.map(toEntry);
    },

    async latency(connection) {
      const rows = await db
        .select({ ms: sql<number>`${events.doneAt} - ${events.receivedAt}`, outcome: events.outcome })
        .from(events)
        .where(and(eq(events.connectionId, connection), isNotNull(events.doneAt)))
        .orderBy(desc(events.day), desc(events.receivedAt))
        .limit(LATENCY_EVENTS);
      const changes = rows
        .filter(({ outcome }) => outcome === "insert" || outcome === "update")
        .map(({ ms }) => ms)
        .sort((a, b) => a - b);
      const at = (share: number) => changes[Math.ceil(share * changes.length) - 1];
      const [p50, p95] = [at(0.5), at(0.95)];
      return p50 === undefined || p95 === undefined ? undefined : { p50, p95, events: changes.length };
    },

    async lastReceivedAt(connection) {
      const [row] = await db
        .select({ at: sql<number | null>`max(${events.receivedAt})` })
        .from(events)
        .where(and(eq(events.connectionId, connection), eq(events.day, lastDay(connection))));
      return row?.at ?? undefined;
    },

    async clientsHeardOf(connection, receivedAfter, limit) {
      const rows = await db
        .select({ id: events.recordId, receivedAt: events.receivedAt })
        .from(events)
        .where(
          and(
            eq(events.connectionId, connection),
            gte(events.day, dayOf(receivedAfter)),
            gt(events.receivedAt, receivedAfter),
            inArray(events.kind, ["clients", "assessment-status"]),
            // Of a purged client the ledger no longer says whom it was about (PR4).
            isNotNull(events.recordId),
            or(eq(events.kind, "clients"), notInArray(events.outcome, ["insert", "update"])),
          ),
        )
        .orderBy(asc(events.day), asc(events.receivedAt))
        .limit(limit);
      return rows.map(({ id, receivedAt }) => ({ id: id as RecordId, receivedAt }));
    },

    async purgeBefore(receivedBefore) {
      const { meta } = await db.delete(events).where(lt(events.receivedAt, receivedBefore));
      return meta.changes;
    },
  };
}

/** Of these events, those that are done. */
export function doneAmong(
  d1: D1Database,
  connection: ConnectionId,
  ids: readonly EventId[],
): Question<ReadonlySet<EventId>> {
  return {
    statement: d1.prepare(DONE).bind(connection, JSON.stringify(ids)),
    read: (rows) => new Set((rows as { readonly id: EventId }[]).map(({ id }) => id)),
  };
}

const dayOf = (at: number) => Math.floor(at / DAY_MS);

function lastDay(connection: ConnectionId) {
  return sql`(SELECT max(day) FROM events WHERE connection_id = ${connection})`;
}

function toEntry(row: typeof events.$inferSelect): LedgerEntry & { readonly connection: ConnectionId } {
  return {
    connection: row.connectionId as ConnectionId,
    eventId: row.eventId as EventId,
    type: row.type,
    receivedAt: row.receivedAt,
    outcome: row.outcome as EventOutcome,
    attempts: row.attempts,
    ...(row.kind === null || row.recordId === null
      ? {}
      : { ref: { kind: row.kind as Kind, id: row.recordId as RecordId } }),
    ...(row.createdAt === null ? {} : { createdAt: row.createdAt }),
    ...(row.doneAt === null ? {} : { doneAt: row.doneAt }),
  };
}
