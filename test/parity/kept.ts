// Everything a mirror keeps of a connection, as named parts of text: what two mirrors of one history must have alike.

import type { ConnectionId, RecordId } from "../../src/core/ids.ts";
import type { Cursor, CursorKey } from "../../src/sync/ports.ts";
import type { Deployed } from "./deployed.ts";

export type Part = readonly [name: string, text: string];

const CURSORS: readonly CursorKey[] = [
  "organizations",
  "staff",
  "clients",
  "assessment-status",
  "verify",
  "outage/organizations",
  "outage/staff",
  "outage/clients",
];

/** Each row on its own, so that a difference names it; random ids left out. */
export async function everythingKept(
  { kept }: Deployed,
  connection: ConnectionId,
  clients: readonly string[],
  placeOf: (seq: number) => number,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  const add = (name: string, value: unknown) => void parts.push([name, JSON.stringify(value ?? null)]);
  for (const row of await kept.rows()) add(`record ${row.kind}/${row.id}`, { ...row, seq: placeOf(row.seq) });
  const ledger = await kept.ledger.list({ connection, limit: 10_000 });
  for (const entry of ledger) add(`event ${entry.eventId}`, sorted(entry));
  const letters = (await kept.deadLetters.list(connection, 10_000)).map(({ id: _, ...letter }) =>
    sorted(letter),
  );
  add("dead letters", letters.map((letter) => JSON.stringify(letter)).sort());
  const found = await kept.connections.get(connection);
  add("connection", found && sorted({ ...found, createdAt: 0 }));
  for (const name of CURSORS) add(`cursor ${name}`, sorted(withoutBookmark(await kept.cursor(name))));
  for (const kind of await kept.kinds()) add(`kind ${kind.kind}`, sorted(kind));
  for (const rebuild of await kept.rebuilds.list(connection)) add(`rebuild ${rebuild.kind}`, sorted(rebuild));
  for (const one of await kept.minimisations.list(connection)) add(`minimisation ${one.kind}`, sorted(one));
  const refs = clients.map((id) => ({ kind: "clients", id: id as RecordId }) as const);
  add("suppressed", [...(await kept.records.suppressed(connection, refs))].sort());
  for (const taken of await kept.taken(clients)) add(`taken ${taken.client_id}`, taken);
  return parts;
}

/** How a database names its states is its own affair. */
function withoutBookmark({ vouch, ...rest }: Cursor): Cursor {
  if (vouch === undefined) return rest;
  const { bookmark: _, ...said } = vouch;
  return { ...rest, vouch: said };
}

/** The order of an object's keys means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]));
}
