// What the guarded statement refuses whatever its version, asked for beside it: to spare a fetch that could not be
// kept, and to say afterwards why a row was not written.

import { type ConnectionId, refKey } from "../core/ids.ts";
import { clientsOf, gatekeeping, refOfWrite } from "../core/record.ts";
import type { RecordStore, Refusal } from "../sync/stores.ts";

const SUPPRESSED = `
SELECT j.key AS i FROM json_each(?2) j WHERE EXISTS (
  SELECT 1 FROM suppressions s
  WHERE s.connection_id = ?1 AND s.client_id IN (j.value ->> '$[0]', j.value ->> '$[1]'))`;

const OUTDATED = `
SELECT j.key AS i FROM connections c CROSS JOIN json_each(?2) j
WHERE c.id = ?1 AND j.value IS NOT NULL AND j.value <> c.fields_version`;

interface Row {
  readonly i: number;
}

export function refusals(d1: D1Database): Pick<RecordStore, "suppressed" | "whyRefused"> {
  async function positions(statement: string, connection: ConnectionId, rows: readonly unknown[]) {
    const { results } = await d1.prepare(statement).bind(connection, JSON.stringify(rows)).all<Row>();
    return results.map(({ i }) => i);
  }

  return {
    async suppressed(connection, subjects) {
      // Most batches hold nothing that could be a client's: no question, no query.
      const owned = subjects.filter((subject) => clientsOf(subject).length > 0);
      if (owned.length === 0) return new Set();
      const found = await positions(SUPPRESSED, connection, owned.map(clientsOf));
      return new Set(owned.filter((_, i) => found.includes(i)).map(refKey));
    },

    async whyRefused(connection, writes) {
      if (writes.length === 0) return new Map();
      const kept = writes.map(gatekeeping);
      const [suppressed, outdated] = await Promise.all([
        positions(
          SUPPRESSED,
          connection,
          kept.map(({ clients }) => clients),
        ),
        positions(
          OUTDATED,
          connection,
          kept.map(({ fields }) => fields ?? null),
        ),
      ]);
      return new Map(
        writes.flatMap((write, i): [string, Refusal][] => {
          const key = refKey(refOfWrite(write));
          if (suppressed.includes(i)) return [[key, "suppressed"]];
          return outdated.includes(i) ? [[key, "outdated"]] : [];
        }),
      );
    },
  };
}
