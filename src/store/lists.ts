// Pages of one kind's living records, in the order of `updated_at` and id. A page costs the same however many records
// there are, for keys bound to organizations too.

import type { ConnectionId, Kind } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { RecordQuery } from "../sync/stores.ts";
import { COLUMNS, type RecordRow, toRecord, UNDATED } from "./rows.ts";

const MATCHING = `(?6 IS NULL OR status = ?6) AND (?7 IS NULL OR client_id = ?7)`;

const ALL = `
SELECT ${COLUMNS} FROM records
WHERE connection_id = ?1 AND kind = ?2 AND deleted_at IS NULL AND (updated_at, id) > (?3, ?4) AND ${MATCHING}
ORDER BY updated_at, id LIMIT ?5`;

/**
 * The first records of every organization, each found along its own part of the index, then the first of them all.
 * Walking the one index of all records instead would pass over everybody else's.
 */
const OF_ORGANIZATIONS = `
SELECT ${COLUMNS} FROM json_each(?8) o CROSS JOIN records
WHERE connection_id = ?1 AND kind = ?2 AND records.id IN (
  SELECT mine.id FROM records mine INDEXED BY records_by_organization
  WHERE mine.connection_id = ?1 AND mine.kind = ?2 AND mine.organization_id = o.value AND mine.deleted_at IS NULL
    AND (mine.updated_at, mine.id) > (?3, ?4) AND ${MATCHING}
  ORDER BY mine.updated_at, mine.id LIMIT ?5)
ORDER BY updated_at, records.id LIMIT ?5`;

export async function listPage(
  d1: D1Database,
  connection: ConnectionId,
  kind: Kind,
  query: RecordQuery,
): Promise<readonly MirrorRecord[]> {
  const { organizations, status = null, clientId = null, limit } = query;
  const [updatedAt, id] = startOf(query);
  const common = [connection, kind, updatedAt, id, limit, status, clientId];
  const statement =
    organizations === undefined
      ? d1.prepare(ALL).bind(...common)
      : // One JSON parameter: a key may name more organizations than D1 allows parameters.
        d1.prepare(OF_ORGANIZATIONS).bind(...common, JSON.stringify([...new Set(organizations)]));
  const { results } = await statement.all<RecordRow>();
  return results.map(toRecord);
}

/** The position a page begins behind. No id is empty, so an empty one is before everything of its instant. */
function startOf({ after, updatedAfter = UNDATED }: RecordQuery): [updatedAt: number, id: string] {
  const position = after?.updatedAt ?? UNDATED;
  return after !== undefined && position >= updatedAfter ? [position, after.id] : [updatedAfter, ""];
}
