// What the database does for each query on the path of a read or a write: an index, never the whole table.

import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConnectionId, EventId, RecordId } from "../../src/core/ids.ts";
import { env, migrate } from "../support/bindings.ts";
import { createStores, newConnection, put, ref } from "../support/stores.ts";

const stores = createStores();
const { records, ledger, batches, statements } = stores;
let connection: ConnectionId;

beforeAll(async () => {
  await migrate();
  connection = await newConnection(stores);
});
beforeEach(() => {
  statements.length = 0;
});

/** The plan of everything that ran since the test began, one line per step. */
async function plan(): Promise<string[]> {
  const steps: string[] = [];
  for (const { sql, parameters } of statements) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...parameters)
      .all<{ detail: string }>();
    steps.push(...results.map(({ detail }) => detail));
  }
  expect(steps.length).toBeGreaterThan(0);
  // The statement's own rows are walked (a JSON parameter, raw and parsed, the numbering of what it writes, the few
  // days of the ledger); a table never is.
  const ownRows = /VIRTUAL TABLE|\(subquery-\d+\)|^SCAN (d|days|parsed|offered|j)$/;
  expect(steps.filter((step) => step.startsWith("SCAN") && !ownRows.test(step))).toEqual([]);
  return steps;
}

const BY_ID = "records USING PRIMARY KEY (connection_id=? AND kind=? AND id=?)";

describe("plans", () => {
  it("RD3 one record is found by its primary key", async () => {
    await records.one(connection, ref("absent"));
    const steps = await plan();
    expect(steps).toContain(`SEARCH ${BY_ID}`);
    expect(steps).toContain("SEARCH aliases USING PRIMARY KEY (connection_id=? AND kind=? AND alias=?)");
  });

  it("WR3 versions are found by primary key, one search per ref", async () => {
    await records.versions(connection, [ref("a"), ref("b")]);
    expect(await plan()).toContain("SEARCH r USING PRIMARY KEY (connection_id=? AND kind=? AND id=?)");
  });

  it("WR5 the guarded statement searches the row it writes and the last seq", async () => {
    await records.commit(connection, [put("a")]);
    const steps = (await plan()).join("\n");
    expect(steps).toContain("SEARCH r USING PRIMARY KEY (connection_id=? AND kind=? AND id=?)");
    expect(steps).toMatch(/SEARCH records USING COVERING INDEX records_by_seq \(connection_id=\?\)/);
  });

  it("RD8 a page starts where the last one ended, in the order of the index", async () => {
    const inOrder =
      /^SEARCH records USING INDEX records_by_updated \(connection_id=\? AND kind=\? AND \(updated_at,id\)>\(\?,\?\)\)$/;
    const position = { updatedAt: 5, id: "a" as RecordId };
    for (const start of [
      {},
      { updatedAfter: 5 },
      { after: position },
      { after: position, updatedAfter: 9 },
    ]) {
      statements.length = 0;
      await records.page(connection, "clients", { limit: 10, ...start });
      const [step, ...more] = await plan();
      expect(step).toMatch(inOrder);
      expect(more).toEqual([]);
    }
  });

  it("RD8 a page of a few organizations is found along each one's own part of an index", async () => {
    const organizations = ["o1", "o2"];
    const after = { updatedAt: 5, id: "a" as RecordId };
    await records.page(connection, "clients", { limit: 10, organizations, after, status: "active" });
    const steps = (await plan()).join("\n");
    expect(steps).toMatch(
      /SEARCH mine USING INDEX records_by_organization \(connection_id=\? AND kind=\? AND organization_id=\? AND \(updated_at,id\)>\(\?,\?\)\)/,
    );
    expect(steps).toContain(`SEARCH ${BY_ID}`);
  });

  it("IN8 the ledger is asked and written by its primary key, day by day", async () => {
    const byKey = "SEARCH e USING PRIMARY KEY (connection_id=? AND day=? AND event_id=?)";
    await batches.known(connection, { eventIds: ["evt_1" as EventId], subjects: [], refs: [] });
    const steps = await plan();
    expect(steps).toContain(byKey);
    expect(steps).toContain("SEARCH events USING PRIMARY KEY (connection_id=? AND day<?)");

    statements.length = 0;
    const head = { eventId: "evt_1" as EventId, type: "client.updated", receivedAt: 1 };
    await ledger.record(connection, [{ ...head, outcome: "insert", attempts: 1 }]);
    expect(await plan()).toContain(byKey);
  });

  it("OP1 the newest events are found in the newest day, those heard of since in the days since", async () => {
    await ledger.lastReceivedAt(connection);
    expect(await plan()).toContain("SEARCH events USING PRIMARY KEY (connection_id=? AND day=?)");

    statements.length = 0;
    await ledger.clientsHeardOf(connection, 1, 10);
    expect(await plan()).toContain("SEARCH events USING PRIMARY KEY (connection_id=? AND day>?)");

    statements.length = 0;
    await ledger.list({ connection, limit: 10 });
    expect(await plan()).toContain("USE TEMP B-TREE FOR LAST TERM OF ORDER BY");
  });
});
