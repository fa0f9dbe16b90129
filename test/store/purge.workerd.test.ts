// The statement that writes obeys a suppression and the field list by itself, whatever was decided before it.

import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConnectionId, EventId, RecordId } from "../../src/core/ids.ts";
import { env, migrate, rowsOf } from "../support/bindings.ts";
import { createStores, newConnection, put, ref } from "../support/stores.ts";

const stores = createStores();
const { records, purges } = stores;
let here: ConnectionId;
let there: ConnectionId;

beforeAll(migrate);
beforeEach(async () => {
  here = await newConnection(stores);
  there = await newConnection(stores);
  stores.statements.length = 0;
});

const id = (text: string) => text as RecordId;

describe("the guarded statement", () => {
  it("PR4 writes nothing of a purged client, however new, and what else its batch holds", async () => {
    await records.commit(here, [put("c1", { fetchedAt: 1 })]);
    await purges.purge(here, [id("c1")], 5);
    const late = { fetchedAt: 9_999, updatedAt: 9_999, hash: "new" };
    const writes = [
      put("c1", late),
      put("c1", { ...late, kind: "assessment-status" }),
      put("another-name", { ...late, kind: "assessment-status", clientId: "c1" }),
      put("evt_1", { ...late, kind: "reminders", clientId: "c1" }),
      put("c1", { ...late, kind: "staff" }),
      put("c2", late),
    ];
    expect([...(await records.commit(here, writes))].sort()).toEqual(["clients/c2", "staff/c1"]);
    expect([...(await records.commit(there, writes))]).toHaveLength(6);
    const why = await records.whyRefused(here, writes);
    expect([...why].map(([key, reason]) => `${key} ${reason}`).sort()).toEqual([
      "assessment-status/another-name suppressed",
      "assessment-status/c1 suppressed",
      "clients/c1 suppressed",
      "reminders/evt_1 suppressed",
    ]);
    expect(
      await records.suppressed(
        here,
        writes.map((write) => (write.write === "put" ? write.snapshot : write.ref)),
      ),
    ).toEqual(new Set(why.keys()));
  });

  it("PR4 a purge is given seq in order, and never one that was given before", async () => {
    await records.commit(here, [put("c1"), put("c2"), put("c1", { kind: "assessment-status" })]);
    await purges.purge(here, [id("c1")], 5);
    await records.commit(here, [put("c3")]);
    const rows = await rowsOf(
      "SELECT kind, id, seq FROM records WHERE connection_id = ?1 ORDER BY seq",
      here,
    );
    expect(rows).toEqual([
      { kind: "clients", id: "c2", seq: 2 },
      { kind: "assessment-status", id: "c1", seq: 4 },
      { kind: "clients", id: "c1", seq: 5 },
      { kind: "clients", id: "c3", seq: 6 },
    ]);
  });

  it("PR4 neither an alias, a ledger row, a letter nor an assessment names the client again", async () => {
    await records.addAlias(here, "clients", id("260"), id("c1"));
    expect((await purges.purge(here, [id("c1")], 5)).ids).toEqual(["c1", "260"]);
    expect(await records.addAlias(here, "clients", id("261"), id("c1"))).toBe(false);
    expect(await records.addAlias(here, "staff", id("261"), id("c1"))).toBe(true);
    expect(await records.addAlias(here, "staff", id("261"), id("c1"))).toBe(true);
    await stores.taken.note(here, "c1", 5);
    const entry = { eventId: "evt_1" as EventId, type: "t", receivedAt: 1, attempts: 1 } as const;
    await stores.ledger.record(here, [{ ...entry, ref: ref("260"), outcome: "parked" }]);
    const letter = { connection: here, queue: "events" as const, type: "t", reason: "r", attempts: 1 };
    const parked = { ...letter, since: 1, parkedAt: 2 };
    await stores.deadLetters.park([
      { ...parked, id: `${here}-1`, ref: ref("c1", "assessment-status"), message: {} },
      { ...parked, id: `${here}-2`, message: { what: { payload: { client_id: "c1" } } } },
      { ...parked, id: `${here}-3`, ref: ref("c1", "staff"), message: {} },
    ]);
    expect(await stores.taken.last(here, "c1")).toBeUndefined();
    expect(await rowsOf("SELECT record_id FROM events WHERE connection_id = ?1", here)).toEqual([
      { record_id: null },
    ]);
    expect((await stores.deadLetters.list(here, 9)).map((one) => one.id)).toEqual([`${here}-3`]);
  });

  it("PR4 the guard costs one search per row, and a question about staff none at all", async () => {
    await records.commit(here, [put("c1")]);
    const [commit] = stores.statements;
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${commit?.sql}`)
      .bind(...(commit?.parameters ?? []))
      .all<{ detail: string }>();
    const steps = results.map(({ detail }) => detail);
    expect(steps.filter((step) => step.includes(" s "))).toEqual([
      "SEARCH s USING PRIMARY KEY (connection_id=? AND client_id=?)",
    ]);
    stores.statements.length = 0;
    expect(await records.suppressed(here, [ref("c1", "staff")])).toEqual(new Set());
    expect(stores.statements).toEqual([]);
  });
});
