// Reading the mirror's rows: one, by alias, and by pages.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId, Kind, RecordId } from "../../src/core/ids.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import type { PagePosition, RecordQuery } from "../../src/sync/stores.ts";
import { migrate, rowsOf } from "../support/bindings.ts";
import { bury, createStores, newConnection, put, ref } from "../support/stores.ts";

const stores = createStores();
const { records } = stores;
beforeAll(migrate);

const ids = (rows: readonly MirrorRecord[]) => rows.map(({ id }) => id);

/** Every page of a query, by its last row. */
async function pages(connection: ConnectionId, kind: Kind, query: RecordQuery): Promise<RecordId[][]> {
  const found: RecordId[][] = [];
  let after: PagePosition | undefined;
  for (let i = 0; i < 20; i++) {
    const rows = await records.page(connection, kind, { ...query, after });
    const last = rows.at(-1);
    if (last === undefined) return found;
    found.push(ids(rows));
    after = { updatedAt: last.updatedAt, id: last.id };
  }
  throw new Error("the pages do not end");
}

describe("one record", () => {
  it("RD3 comes back whole, and unknown ids bring nothing", async () => {
    const connection = await newConnection(stores);
    const content = { updatedAt: 7, organizationId: "o", clientId: "c", status: "active", terminal: true };
    await records.commit(connection, [put("a", { ...content, body: '{"id":"a","é":"ü\\u0000"}' })]);
    expect(await records.one(connection, ref("a"))).toEqual({
      kind: "clients",
      id: "a",
      seq: 1,
      fetchedAt: 1_000,
      hash: "h",
      body: '{"id":"a","é":"ü\\u0000"}',
      ...content,
    });
    expect(await records.one(connection, ref("b"))).toBeUndefined();
    expect(await records.one(connection, ref("a", "staff"))).toBeUndefined();
    expect(await records.one(await newConnection(stores), ref("a"))).toBeUndefined();
  });

  it("WR7 a tombstone keeps whose it was and loses the body", async () => {
    const connection = await newConnection(stores);
    const content = { updatedAt: 5, organizationId: "o", clientId: "c", status: "active" };
    await records.commit(connection, [put("a", { ...content, body: '{"name":"Ada"}' })]);
    await records.commit(connection, [bury("a", 2_000)]);
    const tombstone = await records.one(connection, ref("a"));
    expect(tombstone).toMatchObject({ deletedAt: 2_000, organizationId: "o", clientId: "c", body: "null" });
    expect(tombstone?.status).toBeUndefined();
    const rows = await rowsOf("SELECT * FROM records WHERE connection_id = ?1", connection);
    expect(JSON.stringify(rows)).not.toContain("Ada");
    expect(await records.page(connection, "clients", { limit: 10 })).toEqual([]);
    expect(await records.counts(connection)).toEqual({});
  });

  it("RD3 an alias leads to the record, and moves when the upstream moves it", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a"), put("b")]);
    await records.addAlias(connection, "clients", "260" as RecordId, "a" as RecordId);
    expect((await records.one(connection, ref("260")))?.id).toBe("a");
    await records.addAlias(connection, "clients", "260" as RecordId, "b" as RecordId);
    expect((await records.one(connection, ref("260")))?.id).toBe("b");
    expect(await records.one(connection, ref("260", "staff"))).toBeUndefined();
  });

  it("WR4 an alias that is known already writes no row", async () => {
    const connection = await newConnection(stores);
    const add = () => records.addAlias(connection, "clients", "1" as RecordId, "a" as RecordId);
    await add();
    stores.statements.length = 0;
    await add();
    expect(stores.statements.every(({ rowsWritten }) => rowsWritten === 0)).toBe(true);
  });
});

describe("open reminders", () => {
  it("RM1 are counted by how long they have waited; acknowledged and other kinds are not", async () => {
    const connection = await newConnection(stores);
    const now = 10 * 86_400_000;
    const reminder = (id: string, ageMs: number, status = "open") =>
      put(id, { kind: "reminders", updatedAt: now - ageMs, status });
    expect(await records.openReminders(connection, now)).toEqual({ open: 0, overHour: 0, overDay: 0 });
    await records.commit(connection, [
      reminder("new", 60_000),
      reminder("hours", 5 * 3_600_000),
      reminder("days", 3 * 86_400_000),
      reminder("answered", 5 * 86_400_000, "acknowledged"),
      put("client", { updatedAt: 1, status: "open" }),
    ]);
    const oldest = now - 3 * 86_400_000;
    expect(await records.openReminders(connection, now)).toEqual({
      open: 3,
      overHour: 2,
      overDay: 1,
      oldest,
    });
  });
});

describe("pages", () => {
  it("RD8 come by instant and id, undated first, with ties split over pages and nothing twice", async () => {
    const connection = await newConnection(stores);
    const tied = ["d", "b", "a", "c", "e"].map((id) => put(id, { updatedAt: 50 }));
    const undated = ["z", "y", "x"].map((id) => put(id));
    await records.commit(connection, [...tied, ...undated, put("first", { updatedAt: 40 })]);
    expect(await pages(connection, "clients", { limit: 2 })).toEqual([
      ["x", "y"],
      ["z", "first"],
      ["a", "b"],
      ["c", "d"],
      ["e"],
    ]);
    const [undatedRow] = await records.page(connection, "clients", { limit: 1 });
    expect(undatedRow?.updatedAt).toBeUndefined();
  });

  it("RD8 rows written between two pages neither hide nor repeat the others", async () => {
    const connection = await newConnection(stores);
    await records.commit(
      connection,
      [1, 2, 3, 4].map((n) => put(`r${n}`, { updatedAt: n })),
    );
    const first = await records.page(connection, "clients", { limit: 2 });
    await records.commit(connection, [
      put("r0", { updatedAt: 0 }),
      put("r1", { updatedAt: 9, hash: "h9" }),
      put("new", { updatedAt: 10 }),
    ]);
    const after = { updatedAt: 2, id: "r2" as RecordId };
    const rest = await records.page(connection, "clients", { limit: 10, after });
    expect([ids(first), ids(rest)]).toEqual([
      ["r1", "r2"],
      ["r3", "r4", "r1", "new"],
    ]);
  });

  it("RD1 filters are inclusive, exact and combined", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [
      put("a", { updatedAt: 10, status: "active", organizationId: "o1", clientId: "c1" }),
      put("b", { updatedAt: 20, status: "active", organizationId: "o2" }),
      put("c", { updatedAt: 20, status: "discharged", organizationId: "o1" }),
      put("undated", { status: "active" }),
      put("s", { kind: "staff", updatedAt: 10 }),
    ]);
    const page = async (query: Omit<RecordQuery, "limit">) =>
      ids(await records.page(connection, "clients", { limit: 10, ...query }));
    expect(await page({ updatedAfter: 10 })).toEqual(["a", "b", "c"]);
    expect(await page({ updatedAfter: 11 })).toEqual(["b", "c"]);
    expect(await page({ status: "active" })).toEqual(["undated", "a", "b"]);
    expect(await page({ organizations: ["o1"] })).toEqual(["a", "c"]);
    expect(await page({ organizations: ["o1"], status: "active", updatedAfter: 10 })).toEqual(["a"]);
    expect(await page({ organizations: [] })).toEqual([]);
    expect(await page({ clientId: "c1" })).toEqual(["a"]);
    expect(await records.counts(connection)).toEqual({ clients: 4, staff: 1 });
  });

  it("RD6 a scope of five hundred organizations is one parameter and shows exactly theirs", async () => {
    const connection = await newConnection(stores);
    const writes = Array.from({ length: 200 }, (_, i) =>
      put(`r${i}`, { updatedAt: i + 1, organizationId: `org_${i * 5}` }),
    );
    await records.commit(connection, [...writes, put("orphan", { updatedAt: 1 })]);
    const organizations = Array.from({ length: 500 }, (_, i) => `org_${i}`);
    const rows = await records.page(connection, "clients", { limit: 200, organizations });
    expect(ids(rows)).toEqual(Array.from({ length: 100 }, (_, i) => `r${i}`));
  });
});
