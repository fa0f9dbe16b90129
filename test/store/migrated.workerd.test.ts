// Migrations that rebuild a table take along what it holds.

import { applyD1Migrations } from "cloudflare:test";
import { expect, it } from "vitest";
import type { ConnectionId, EventId } from "../../src/core/ids.ts";
import { env } from "../support/bindings.ts";
import { createStores } from "../support/stores.ts";

it("DB1 the ledger keeps its rows when it is put in order of days", async () => {
  const rebuilt = env.MIGRATIONS.findIndex(({ name }) => name.startsWith("0006"));
  await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, rebuilt));
  const at = Date.parse("2026-11-01T23:59:59.999Z");
  await env.DB.prepare(
    `INSERT INTO events (connection_id, event_id, type, kind, record_id, created_at, received_at, done_at, outcome, attempts)
     VALUES ('c', 'evt_1', 'client.updated', 'clients', 'client_1', ?1, ?2, ?3, 'update', 2)`,
  )
    .bind(at - 5, at, at + 9)
    .run();
  await applyD1Migrations(env.DB, env.MIGRATIONS);

  const { ledger, batches } = createStores();
  const connection = "c" as ConnectionId;
  const names = { eventIds: ["evt_1" as EventId], subjects: [], refs: [] };
  expect((await batches.known(connection, names)).done).toEqual(new Set(["evt_1"]));
  expect(await ledger.list({ connection, limit: 9 })).toEqual([
    {
      connection,
      eventId: "evt_1",
      type: "client.updated",
      ref: { kind: "clients", id: "client_1" },
      createdAt: at - 5,
      receivedAt: at,
      doneAt: at + 9,
      outcome: "update",
      attempts: 2,
    },
  ]);
});
