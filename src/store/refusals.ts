// What the guarded statement refuses whatever its version, asked for beside it: to spare a fetch that could not be
// kept, and to say afterwards why a row was not written.

import { type ConnectionId, refKey } from "../core/ids.ts";
import { clientsOf, gatekeeping, refOfWrite, type Subject } from "../core/record.ts";
import type { RecordStore, Refusal } from "../sync/stores.ts";
import { ask, type Question } from "./rows.ts";

const SUPPRESSED = `
SELECT j.key AS i FROM json_each(?2) j WHERE EXISTS (
  SELECT 1 FROM suppressions s
  WHERE s.connection_id = ?1 AND s.client_id IN (j.value ->> '$[0]', j.value ->> '$[1]'))`;

const OUTDATED = `
SELECT j.key AS i FROM connections c CROSS JOIN json_each(?2) j
WHERE c.id = ?1 AND j.value IS NOT NULL AND j.value <> c.fields_version`;

export function suppressedAmong(
  d1: D1Database,
  connection: ConnectionId,
  subjects: readonly Subject[],
): Question<ReadonlySet<string>> {
  const owned = subjects.filter((subject) => clientsOf(subject).length > 0);
  return {
    statement: d1.prepare(SUPPRESSED).bind(connection, JSON.stringify(owned.map(clientsOf))),
    read(rows) {
      const found = new Set((rows as Row[]).map(({ i }) => i));
      return new Set(owned.filter((_, i) => found.has(i)).map(refKey));
    },
  };
}

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
      // Most batches hold nothing that could be a client's: no question, no trip.
      if (subjects.every((subject) => clientsOf(subject).length === 0)) return new Set();
      return ask(suppressedAmong(d1, connection, subjects));
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
