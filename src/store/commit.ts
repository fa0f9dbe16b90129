// How records enter the table: one guarded statement, and in the same transaction what follows from it for the
// feed's readers who see only some organizations.

import { type Ref, refKey } from "../core/ids.ts";
import type { Write } from "../core/record.ts";
import { toRow } from "./rows.ts";

/** Rows travel as one JSON parameter, parsed once: looking into its text anew for every field is half of a commit. */
const PARSED = `WITH parsed AS MATERIALIZED (SELECT key, jsonb(value) AS row FROM json_each(?2))`;
const OFFERED = `${PARSED},
offered AS MATERIALIZED (
  SELECT key, row ->> 'kind' AS kind, row ->> 'id' AS id, row ->> 'updatedAt' AS updated_at,
         row ->> 'fetchedAt' AS fetched_at, row ->> 'asOf' AS as_of, row ->> 'hash' AS hash,
         row ->> 'overHash' AS over_hash, row ->> 'organizationId' AS organization_id,
         row ->> 'clientId' AS client_id, row ->> 'status' AS status, row ->> 'terminal' AS terminal,
         row ->> 'deletedAt' AS deleted_at, row ->> 'body' AS body, row ->> 'fields' AS fields,
         row ->> '$.clients[0]' AS owner, row ->> '$.clients[1]' AS other_owner
  FROM parsed
)`;

/**
 * The guard (WR3, WR4, WR7) is the same order of versions as core/decide.ts states, applied to what the table holds at
 * this instant, so a writer that decided against an older read, or two writers at once, cannot move a record backwards:
 *  - over nothing: insert (a tombstone over nothing is nothing)
 *  - over a tombstone: a record whose fetch started later
 *  - a tombstone over a record: when its fetch started later
 *  - a record over a record: other content, and newer by the upstream's clock, or equal or undated there and
 *    fetched later; or over exactly the content that was decided against
 * And whatever its version: nothing of a purged client (PR4), and nothing cut to a field list that is no longer the
 * connection's (PR3). Both are judged here, in the instant of writing, so a fetch in flight cannot slip past.
 */
const ACCEPTED = `
FROM connections c
CROSS JOIN offered j
LEFT JOIN records r ON r.connection_id = c.id AND r.kind = j.kind AND r.id = j.id
WHERE c.id = ?1
AND (j.fields IS NULL OR j.fields = c.fields_version)
AND NOT EXISTS (
  SELECT 1 FROM suppressions s
  WHERE s.connection_id = c.id AND s.client_id IN (j.owner, j.other_owner))
AND CASE
  WHEN r.id IS NULL THEN j.deleted_at IS NULL
  WHEN r.deleted_at IS NOT NULL THEN j.deleted_at IS NULL AND j.fetched_at > r.fetched_at
  WHEN j.deleted_at IS NOT NULL THEN j.fetched_at > r.fetched_at
  WHEN j.hash = r.hash THEN 0
  WHEN j.over_hash IS NOT NULL THEN j.over_hash = r.hash
  WHEN j.updated_at = 0 OR r.updated_at = 0 OR j.updated_at = r.updated_at THEN j.fetched_at > r.fetched_at
  ELSE j.updated_at > r.updated_at
END`;

/** The connection's last number given out, whether or not its row is still there. */
const LAST_SEQ = `max(c.seq_floor, coalesce((SELECT max(seq) FROM records WHERE connection_id = c.id), 0))`;

/**
 * A record keeps the organization it was last known in. A per-client document has its client's, whatever it says
 * itself, and none while the client is not there: exactly who sees the client sees it, as in the single reads.
 */
const ORGANIZATION = `CASE j.kind
  WHEN 'assessment-status' THEN (
    SELECT organization_id FROM records
    WHERE connection_id = c.id AND kind = 'clients' AND id = j.id AND deleted_at IS NULL)
  ELSE coalesce(j.organization_id, r.organization_id)
END`;

/**
 * `seq` is the connection's next numbers, in the order of the parameter, given only to rows that are written:
 * row and feed position commit together.
 */
const COMMIT = `${OFFERED}
INSERT INTO records (connection_id, kind, id, seq, updated_at, fetched_at, hash, organization_id, client_id,
                     status, terminal, deleted_at, body, as_of)
SELECT c.id, j.kind, j.id, ${LAST_SEQ} + row_number() OVER (ORDER BY j.key),
       j.updated_at, j.fetched_at, j.hash, ${ORGANIZATION}, j.client_id, j.status, j.terminal, j.deleted_at,
       j.body, j.as_of
${ACCEPTED}
ON CONFLICT (connection_id, kind, id) DO UPDATE SET
  seq = excluded.seq, updated_at = excluded.updated_at, fetched_at = excluded.fetched_at, hash = excluded.hash,
  organization_id = CASE WHEN excluded.kind = 'assessment-status' THEN excluded.organization_id
                         ELSE coalesce(excluded.organization_id, organization_id) END,
  client_id = coalesce(excluded.client_id, client_id),
  status = excluded.status, terminal = excluded.terminal, deleted_at = excluded.deleted_at, body = excluded.body,
  as_of = excluded.as_of
RETURNING kind, id`;

const DEPART = `INSERT INTO departures (connection_id, kind, id, organization_id, seq, left_at)`;
const DEPART_AGAIN = `
ON CONFLICT (connection_id, kind, id, organization_id) DO UPDATE SET seq = excluded.seq, left_at = excluded.left_at`;

/** Hardly ever does a record move: then this is all that is looked at. A client's document may move with its client. */
const SOME_MOVE = `EXISTS (
  SELECT 1 FROM (
    SELECT row ->> 'kind' AS kind, row ->> 'id' AS id, row ->> 'organizationId' AS organization_id FROM parsed) j
  CROSS JOIN records r ON r.connection_id = ?1 AND r.kind = j.kind AND r.id = j.id
  WHERE r.organization_id IS NOT NULL AND (j.kind = 'assessment-status' OR j.organization_id <> r.organization_id))`;

/**
 * Before the guarded statement, while the table still says where the rows it will write were: same guard, same seq.
 * What had been deleted there and comes back elsewhere left where it was deleted: its readers know already.
 */
const DEPARTED = `${OFFERED}
${DEPART}
SELECT ?1, kind, id, was, coalesce(buried_seq, seq), coalesce(deleted_at, left_at) FROM (
  SELECT r.kind, r.id, r.organization_id AS was, ${ORGANIZATION} AS becomes, r.deleted_at,
         CASE WHEN r.deleted_at IS NOT NULL THEN r.seq END AS buried_seq,
         ${LAST_SEQ} + row_number() OVER (ORDER BY j.key) AS seq, j.fetched_at AS left_at
  ${ACCEPTED} AND ${SOME_MOVE}
) WHERE was IS NOT NULL AND becomes IS NOT was
${DEPART_AGAIN}`;

/** Documents of clients (?2: ids) that came, moved or went: they get the client's organization and a new seq. */
const FOLLOWING = `
SELECT id, was, becomes, left_at, last_seq + row_number() OVER (ORDER BY id) AS seq FROM (
  SELECT s.id, s.organization_id AS was, k.fetched_at AS left_at, ${LAST_SEQ} AS last_seq,
         CASE WHEN k.deleted_at IS NULL THEN k.organization_id END AS becomes
  FROM connections c
  CROSS JOIN json_each(?2) j
  CROSS JOIN records k ON k.connection_id = c.id AND k.kind = 'clients' AND k.id = j.value
  CROSS JOIN records s ON s.connection_id = c.id AND s.kind = 'assessment-status' AND s.id = k.id
  WHERE c.id = ?1 AND s.deleted_at IS NULL
) WHERE becomes IS NOT was`;

const FOLLOWERS_DEPARTED = `${DEPART}
SELECT ?1, 'assessment-status', id, was, seq, left_at FROM (${FOLLOWING}) WHERE was IS NOT NULL
${DEPART_AGAIN}`;

const FOLLOW = `
UPDATE records SET organization_id = f.becomes, seq = f.seq FROM (${FOLLOWING}) f
WHERE records.connection_id = ?1 AND records.kind = 'assessment-status'
  AND records.id IN (SELECT value FROM json_each(?2)) AND records.id = f.id`;

/**
 * The guarded statement between what it moves away from and what follows it, in one transaction. Documents of clients
 * have a second statement of their own, after their clients have arrived where they are. What cannot be needed is
 * left out; what turns out not to be needed writes nothing.
 * @returns the ref keys written
 */
export async function commitWrites(
  d1: D1Database,
  connection: string,
  writes: readonly Write[],
): Promise<ReadonlySet<string>> {
  // A transaction of no statements is refused.
  if (writes.length === 0) return new Set();
  const rows = writes.map(toRow);
  const guarded = (part: readonly Row[]) => {
    const heads = part.map(({ body: _body, ...head }) => head);
    return [
      d1.prepare(DEPARTED).bind(connection, JSON.stringify(heads)),
      d1.prepare(COMMIT).bind(connection, JSON.stringify(part)),
    ];
  };
  const clients = [...new Set(rows.filter(({ kind }) => kind === "clients").map(({ id }) => id))];
  const following = [FOLLOWERS_DEPARTED, FOLLOW].map((sql) =>
    d1.prepare(sql).bind(connection, JSON.stringify(clients)),
  );
  const documents = rows.filter(({ kind }) => kind === "assessment-status");
  const others = rows.filter(({ kind }) => kind !== "assessment-status");
  const results = await d1.batch<Ref>([
    ...(others.length > 0 ? guarded(others) : []),
    ...(clients.length > 0 ? following : []),
    ...(documents.length > 0 ? guarded(documents) : []),
  ]);
  return new Set(results.flatMap((result) => result.results).map(refKey));
}

type Row = ReturnType<typeof toRow>;
