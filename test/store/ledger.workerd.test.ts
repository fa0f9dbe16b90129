// The ledger, the dead letters and the keys.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId, EventId } from "../../src/core/ids.ts";
import type { ApiKey, DeadLetter, LedgerEntry } from "../../src/sync/stores.ts";
import { migrate } from "../support/bindings.ts";
import { createStores, newConnection, ref } from "../support/stores.ts";

const stores = createStores();
const { ledger, batches, deadLetters, keys } = stores;
beforeAll(migrate);

function entry(id: string, more: Partial<LedgerEntry> = {}): LedgerEntry {
  const head = { eventId: id as EventId, type: "client.updated", receivedAt: 100 };
  return { ...head, doneAt: 150, outcome: "insert", attempts: 1, ...more };
}

const DAY = 86_400_000;

const parked = (id: string, receivedAt = 100): LedgerEntry => {
  const { doneAt: _, ...open } = entry(id, { receivedAt });
  return { ...open, outcome: "parked", attempts: 90 };
};

async function doneAmong(connection: ConnectionId, eventIds: readonly EventId[]) {
  return (await batches.known(connection, { eventIds, subjects: [], refs: [] })).done;
}

describe("the ledger", () => {
  it("IN8 knows what is done, per connection, and nothing else", async () => {
    const [one, other] = [await newConnection(stores), await newConnection(stores)];
    await ledger.record(one, [entry("evt_1"), parked("evt_2")]);
    const ids = ["evt_1", "evt_2", "evt_3"] as EventId[];
    expect(await doneAmong(one, ids)).toEqual(new Set(["evt_1"]));
    expect(await doneAmong(other, ids)).toEqual(new Set());
    expect(await doneAmong(one, [])).toEqual(new Set());
  });

  it("PR4 of a purged client's events nobody is named to the walk", async () => {
    const id = await newConnection(stores);
    await ledger.record(id, [
      entry("evt_1", { ref: ref("c1"), outcome: "lagging", receivedAt: 101 }),
      entry("evt_2", { ref: ref("c2"), outcome: "lagging", receivedAt: 102 }),
    ]);
    await stores.purges.purge(id, [ref("c1").id], 500);
    expect(await ledger.clientsHeardOf(id, 100, 9)).toEqual([{ id: "c2", receivedAt: 102 }]);
  });

  it("DL1 a parked event is done once it succeeds, and what is done never moves back", async () => {
    const id = await newConnection(stores);
    await ledger.record(id, [parked("evt_1")]);
    await ledger.record(id, [entry("evt_1", { outcome: "update", attempts: 2, doneAt: 900 })]);
    const done = { outcome: "update", attempts: 2, doneAt: 900 };
    expect(await ledger.list({ connection: id, limit: 9 })).toMatchObject([done]);
    await ledger.record(id, [parked("evt_1")]);
    await ledger.record(id, [entry("evt_1", { outcome: "older", doneAt: 999 })]);
    expect(await ledger.list({ connection: id, limit: 9 })).toMatchObject([done]);
  });

  it("IN8 the same entries twice write no row the second time", async () => {
    const id = await newConnection(stores);
    const entries = Array.from({ length: 100 }, (_, i) => entry(`evt_${i}`, { ref: ref(`c${i}`) }));
    stores.statements.length = 0;
    await ledger.record(id, entries);
    await ledger.record(id, entries);
    expect(stores.statements.map(({ rowsWritten }) => rowsWritten)).toEqual([100, 0]);
  });

  it("IN8 an event is one row, also when it comes again on another day", async () => {
    const id = await newConnection(stores);
    const [monday, tuesday] = [{ receivedAt: 5 * DAY + 86_399_999 }, { receivedAt: 6 * DAY }];
    await ledger.record(id, [
      entry("evt_1", monday),
      parked("evt_2", monday.receivedAt - 1),
      entry("evt_3", tuesday),
    ]);
    await ledger.record(id, [
      entry("evt_1", { ...tuesday, outcome: "older" }),
      entry("evt_2", { ...tuesday, outcome: "update" }),
    ]);
    const rows = await ledger.list({ connection: id, limit: 9 });
    expect(rows.map(({ eventId, outcome, receivedAt }) => [eventId, outcome, receivedAt])).toEqual([
      ["evt_3", "insert", tuesday.receivedAt],
      ["evt_1", "insert", monday.receivedAt],
      ["evt_2", "update", monday.receivedAt - 1],
    ]);
    const ids = ["evt_1", "evt_2", "evt_3", "evt_4"] as EventId[];
    expect(await doneAmong(id, ids)).toEqual(new Set(["evt_1", "evt_2", "evt_3"]));
    expect(await ledger.lastReceivedAt(id)).toBe(tuesday.receivedAt);
    await ledger.purgeBefore(tuesday.receivedAt);
    expect(await ledger.known(id, ids)).toEqual(new Set(["evt_3"]));
  });

  it("AD1 lists newest first, by connection and outcome, within the limit", async () => {
    const id = await newConnection(stores);
    await ledger.record(id, [
      entry("evt_a", { receivedAt: 1, ref: ref("client_1"), createdAt: 7 }),
      entry("evt_b", { receivedAt: 3, outcome: "unknown_type" }),
      entry("evt_c", { receivedAt: 2 }),
    ]);
    const listed = async (query: { outcome?: string; limit: number }) =>
      (await ledger.list({ connection: id, ...query })).map(({ eventId }) => eventId);
    expect(await listed({ limit: 9 })).toEqual(["evt_b", "evt_c", "evt_a"]);
    expect(await listed({ limit: 1 })).toEqual(["evt_b"]);
    expect(await listed({ limit: 9, outcome: "insert" })).toEqual(["evt_c", "evt_a"]);
    const [oldest] = (await ledger.list({ connection: id, limit: 9 })).slice(-1);
    expect(oldest).toEqual({
      connection: id,
      ...entry("evt_a", { receivedAt: 1, ref: ref("client_1"), createdAt: 7 }),
    });
  });

  it("SW5 tells the clients heard of since an instant, oldest first, without those just read", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    const heard = (event: string, receivedAt: number, more: Partial<LedgerEntry>) =>
      entry(event, { receivedAt, ...more });
    await ledger.record(id, [
      heard("e1", 300, { ref: ref("a"), outcome: "update" }),
      heard("e2", 200, { ref: ref("b", "assessment-status"), outcome: "lagging" }),
      heard("e3", 250, { ref: ref("c", "assessment-status"), outcome: "update" }),
      heard("e4", 260, { ref: ref("s", "staff"), outcome: "lagging" }),
      heard("e5", 100, { ref: ref("old") }),
      heard("e7", DAY + 1, { ref: ref("d") }),
    ]);
    await ledger.record(other, [heard("e6", 300, { ref: ref("z") })]);
    expect(await ledger.clientsHeardOf(id, 100, 9)).toEqual([
      { id: "b", receivedAt: 200 },
      { id: "a", receivedAt: 300 },
      { id: "d", receivedAt: DAY + 1 },
    ]);
    expect(await ledger.clientsHeardOf(id, DAY, 9)).toEqual([{ id: "d", receivedAt: DAY + 1 }]);
    expect(await ledger.clientsHeardOf(id, 100, 1)).toHaveLength(1);
  });

  it("AD1 latency is of events that changed something; the purge takes only what is old", async () => {
    const id = await newConnection(stores);
    expect(await ledger.latency(id)).toBeUndefined();
    const changes = Array.from({ length: 100 }, (_, i) =>
      entry(`evt_${i}`, { receivedAt: 1_000, doneAt: 1_001 + i }),
    );
    const idle = entry("evt_idle", { receivedAt: 1_000, doneAt: 99_000, outcome: "unchanged" });
    await ledger.record(id, [...changes, idle, entry("evt_old", { receivedAt: 10, doneAt: 11 })]);
    const latency = await ledger.latency(id);
    expect(latency?.events).toBe(101);
    expect(latency?.p50).toBeGreaterThan(45);
    expect(latency?.p50).toBeLessThan(55);
    expect(latency?.p95).toBeGreaterThanOrEqual(94);
    expect(latency?.p95).toBeLessThanOrEqual(97);
    expect(await ledger.lastReceivedAt(id)).toBe(1_000);
    await ledger.purgeBefore(1_000);
    expect(await doneAmong(id, ["evt_old", "evt_0"] as EventId[])).toEqual(new Set(["evt_0"]));
  });
});

describe("dead letters", () => {
  const letter = (id: string, connection: ConnectionId, parkedAt: number) => ({
    id,
    connection,
    queue: "events" as const,
    type: "client.updated",
    ref: ref("client_1"),
    reason: "upstream answered 500",
    attempts: 90,
    since: 1,
    parkedAt,
    message: { eventId: id, nested: { deep: ["ü", 1, null] } },
  });

  it("DL1 are listed newest first without their message, and taken oldest first with it", async () => {
    const id = await newConnection(stores);
    const letters = [letter("l1", id, 10), letter("l2", id, 20), letter("l3", id, 30)];
    await deadLetters.park(letters);
    await deadLetters.park(letters);
    expect(await deadLetters.count(id)).toBe(3);
    const listed = await deadLetters.list(id, 2);
    expect(listed.map((one) => one.id)).toEqual(["l3", "l2"]);
    const { message: _, ...shown } = letter("l3", id, 30);
    expect(listed[0]).toEqual(shown satisfies DeadLetter);

    const taken = await deadLetters.take({ connection: id, parkedBefore: 30 }, 10);
    expect(taken.map((one) => one.id)).toEqual(["l1", "l2"]);
    expect(taken[0]?.message).toEqual(letter("l1", id, 10).message);
    expect(await deadLetters.take({ id: "l2" }, 10)).toHaveLength(1);
  });

  it("DL1 are removed by id, hundreds at once", async () => {
    const id = await newConnection(stores);
    const letters = Array.from({ length: 300 }, (_, i) => letter(`many-${i}`, id, i));
    await deadLetters.park(letters);
    await deadLetters.remove(letters.slice(1).map((one) => one.id));
    expect((await deadLetters.list(id, 9)).map((one) => one.id)).toEqual(["many-0"]);
    await deadLetters.remove([]);
    expect(await deadLetters.count(id)).toBe(1);
  });
});

describe("keys", () => {
  it("AD1 are found by hash alone and gone when removed", async () => {
    const connection = await newConnection(stores);
    const key: ApiKey = {
      id: "k1",
      connection,
      name: "app",
      organizations: ["o1"],
      kinds: ["clients"],
      createdAt: 1,
      expiresAt: 9,
    };
    const open: ApiKey = { id: "k2", connection, name: "open", createdAt: 2 };
    await keys.add(key, "hash-1");
    await keys.add(open, "hash-2");
    expect(await keys.find("hash-1")).toEqual(key);
    expect(await keys.find("hash-2")).toEqual(open);
    expect(await keys.find("k1")).toBeUndefined();
    expect(await keys.list()).toEqual([key, open]);
    expect(await keys.remove("k1")).toBe(true);
    expect(await keys.remove("k1")).toBe(false);
    expect(await keys.find("hash-1")).toBeUndefined();
  });
});
