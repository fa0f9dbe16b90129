// Letting go of a connection: every row of it goes, and nothing that is still under way brings one back.

import { beforeAll, describe, expect, it } from "vitest";
import { partsOf } from "../../src/core/access.ts";
import type { ConnectionId, EventId, RecordId } from "../../src/core/ids.ts";
import { env, migrate, rowsOf, tableNames } from "../support/bindings.ts";
import { createStores, newConnection, put } from "../support/stores.ts";

const stores = createStores();
beforeAll(migrate);

const writers: readonly (readonly [table: string, write: (id: ConnectionId) => Promise<unknown>])[] = [
  ["records", (id) => stores.records.commit(id, [put("a"), put("b", { kind: "staff" })])],
  ["aliases", (id) => stores.records.addAlias(id, "clients", "260" as RecordId, "a" as RecordId)],
  ["kind_state", (id) => stores.kinds.markProven(id, "staff")],
  ["kind_state", (id) => stores.kinds.addDrift(id, "clients", { missed: 1 })],
  ["problems", (id) => stores.connections.raise(id, { name: "webhook", reason: "disabled" }, 1)],
  ["suppressions", (id) => stores.purges.purge(id, ["c1" as RecordId], 1)],
  [
    "minimisations",
    (id) => stores.minimisations.order(id, {}, 0, [{ kind: "staff", cut: true, refetch: true }], 1),
  ],
  [
    "access_log",
    (id) =>
      stores.access.add(
        partsOf("x", 0, [{ connection: id, at: 1, keyId: "k", action: "other", status: 200 }]),
      ),
  ],
  ["assessments_taken", (id) => stores.taken.note(id, "client_1", 5)],
  [
    "events",
    (id) => {
      const head = { eventId: "evt_1" as EventId, type: "client.updated", receivedAt: 1 };
      return stores.ledger.record(id, [{ ...head, doneAt: 2, outcome: "insert", attempts: 1 }]);
    },
  ],
  [
    "dead_letters",
    (id) => {
      const head = { id: `letter-${id}`, connection: id, queue: "events" as const, type: "t", reason: "r" };
      const message = { client_id: "client_1" };
      return stores.deadLetters.park([{ ...head, attempts: 1, since: 1, parkedAt: 2, message }]);
    },
  ],
  [
    "api_keys",
    (id) => stores.keys.add({ id: `key-${id}`, connection: id, name: "app", createdAt: 1 }, `hash-${id}`),
  ],
  ["signing_secrets", (id) => stores.connections.addSecret(id, "whsec_1", 1, 1)],
];

/** Tables whose rows go with their connection: all but the one that remembers where a removed one ended. */
const ownTables = async () => (await tableNames()).filter((name) => name !== "seq_floors");

/** Rows per table, tables without rows left out. */
async function rowsIn(connection: ConnectionId): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const table of await ownTables()) {
    const column = table === "connections" ? "id" : "connection_id";
    const rows = await rowsOf(`SELECT 1 FROM ${table} WHERE ${column} = ?1`, connection);
    if (rows.length > 0) counted[table] = rows.length;
  }
  return counted;
}

/** One row in every table there is, whatever its columns: a table added later is filled, too. */
async function fillEveryTable(connection: ConnectionId): Promise<void> {
  for (const table of await ownTables()) {
    if (table === "connections") continue;
    const columns = await rowsOf<{ name: string; type: string }>(`PRAGMA table_info(${table})`);
    const values = columns.map(({ name, type }) => {
      if (name === "connection_id") return connection;
      return type === "INTEGER" ? 1 : `${connection}-${name}`;
    });
    const names = columns.map(({ name }) => name).join();
    const places = columns.map((_, i) => `?${i + 1}`).join();
    await env.DB.prepare(`INSERT INTO ${table} (${names}) VALUES (${places})`)
      .bind(...values)
      .run();
  }
}

describe("remove", () => {
  it("AD1 takes every table's rows of the connection and no row of another", async () => {
    const [doomed, kept] = [await newConnection(stores), await newConnection(stores)];
    for (const id of [doomed, kept]) await fillEveryTable(id);
    const every = Object.fromEntries((await ownTables()).map((table) => [table, 1]));
    expect(await rowsIn(doomed)).toEqual(every);

    const removed = await stores.connections.remove(doomed);
    expect(await rowsIn(doomed)).toEqual({});
    expect(await rowsIn(kept)).toEqual(every);
    const total = Object.values(removed).reduce((sum, rows) => sum + rows, 0);
    expect(total).toBe(Object.keys(every).length - 1);
  });

  it.each(writers)("AD1 nothing reaches %s for a connection that was removed", async (_table, write) => {
    const id = await newConnection(stores);
    await stores.connections.remove(id);
    await write(id);
    expect(await rowsIn(id)).toEqual({});
  });
});
