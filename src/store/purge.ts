// Purging a client (PR4): everything kept of it goes in one transaction, and a suppression stays, which the guarded
// statement obeys (store/commit.ts).
//
// A record does not vanish, it becomes a tombstone without content: followers of the feed learn of it by its new
// `seq` and drop their own copies. Its organization stays, so that keys bound to it are told, too.

import type { ConnectionId, RecordId } from "../core/ids.ts";
import type { Purged, PurgeStore } from "../sync/privacy-stores.ts";

/** Every id of the client: those given, what they are aliases of, and those records' other aliases. ?2: JSON. */
const IDS = `
WITH RECURSIVE ids(id) AS (
  SELECT value FROM json_each(?2)
  UNION SELECT a.id FROM ids JOIN aliases a
    ON a.connection_id = ?1 AND a.kind = 'clients' AND a.alias = ids.id
  UNION SELECT a.alias FROM ids JOIN aliases a
    ON a.connection_id = ?1 AND a.kind = 'clients' AND a.id = ids.id
)`;

const SUPPRESS = `${IDS}
INSERT INTO suppressions (connection_id, client_id, created_at)
SELECT c.id, ids.id, ?3 FROM connections c CROSS JOIN ids WHERE c.id = ?1
ON CONFLICT DO NOTHING`;

const REMINDERS = `
SELECT id FROM records WHERE connection_id = ?1 AND kind = 'reminders' AND client_id IN ids`;

// The rows stay: an event id answers whether a delivery of RCMS arrived, and what was parked is done now. Whom the
// event was about is forgotten.
const FORGET_EVENTS = `${IDS}
UPDATE events SET record_id = NULL, done_at = coalesce(done_at, ?3),
  outcome = CASE outcome WHEN 'parked' THEN 'suppressed' ELSE outcome END
WHERE connection_id = ?1 AND (
  (kind IN ('clients', 'assessment-status') AND record_id IN ids) OR
  (kind = 'reminders' AND record_id IN (${REMINDERS})))`;

const REMOVE_DEAD_LETTERS = `${IDS}
DELETE FROM dead_letters WHERE connection_id = ?1 AND (
  (kind IN ('clients', 'assessment-status') AND record_id IN ids) OR
  CAST(message ->> '$.what.payload.client_id' AS TEXT) IN ids OR
  message ->> '$.backfill' IN (SELECT id FROM backfills WHERE connection_id = ?1 AND client_id IN ids))`;

const BURY = `${IDS}
UPDATE records SET
  seq = doomed.seq, updated_at = ?3, fetched_at = ?3, deleted_at = ?3, hash = '', body = 'null', terminal = 1,
  client_id = NULL, status = NULL, as_of = NULL
FROM (
  SELECT r.kind, r.id,
         max(c.seq_floor, (SELECT max(seq) FROM records WHERE connection_id = c.id))
           + row_number() OVER (ORDER BY r.kind, r.id) AS seq
  FROM connections c JOIN records r ON r.connection_id = c.id
  WHERE c.id = ?1 AND r.deleted_at IS NULL AND (
    (r.kind IN ('clients', 'assessment-status') AND r.id IN ids) OR
    (r.kind IN ('assessment-status', 'reminders') AND r.client_id IN ids))
) AS doomed
WHERE records.connection_id = ?1 AND records.kind = doomed.kind AND records.id = doomed.id
RETURNING kind`;

const REMOVE_ROWS = (table: "backfills" | "assessments_taken") =>
  `${IDS} DELETE FROM ${table} WHERE connection_id = ?1 AND client_id IN ids`;

// A finished walk's last position is an id like any other; an unfinished one moves on by itself.
const FORGET_POSITIONS = `${IDS}
UPDATE rebuilds SET run = json_remove(run, '$.nextUrl')
WHERE connection_id = ?1 AND status NOT IN ('queued', 'running') AND run ->> '$.nextUrl' IN ids`;

// Last, because every statement before finds the client's other ids through them.
const REMOVE_ALIASES = `${IDS}
DELETE FROM aliases WHERE connection_id = ?1 AND kind = 'clients' AND (alias IN ids OR id IN ids)`;

const REMOVE_REFRESHES = `${IDS}
DELETE FROM refreshes
WHERE connection_id = ?1 AND kind IN ('clients', 'assessment-status') AND id IN ids`;

const KNOWN_IDS = `${IDS} SELECT id FROM ids`;

export function purgeStore(d1: D1Database): PurgeStore {
  return {
    async purge(connection: ConnectionId, ids: readonly RecordId[], now: number): Promise<Purged> {
      const named = JSON.stringify(ids);
      const timed = (statement: string) => d1.prepare(statement).bind(connection, named, now);
      const plain = (statement: string) => d1.prepare(statement).bind(connection, named);
      const [known, , events, letters, buried, backfills, taken, , , aliases] = (await d1.batch([
        plain(KNOWN_IDS),
        timed(SUPPRESS),
        timed(FORGET_EVENTS),
        plain(REMOVE_DEAD_LETTERS),
        timed(BURY),
        plain(REMOVE_ROWS("backfills")),
        plain(REMOVE_ROWS("assessments_taken")),
        plain(FORGET_POSITIONS),
        plain(REMOVE_REFRESHES),
        plain(REMOVE_ALIASES),
      ])) as D1Result<{ readonly id: RecordId; readonly kind: string }>[];
      const count = (result: D1Result | undefined) => result?.meta.changes ?? 0;
      const reminders = (buried?.results ?? []).filter(({ kind }) => kind === "reminders").length;
      return {
        ids: (known?.results ?? []).map(({ id }) => id),
        removed: {
          records: (buried?.results.length ?? 0) - reminders,
          reminders,
          aliases: count(aliases),
          events: count(events),
          dead_letters: count(letters),
          backfills: count(backfills),
          assessments_taken: count(taken),
        },
      };
    },
  };
}
