// Backfills at rest: the row decides who is first.

import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId, RecordId } from "../../src/core/ids.ts";
import { backfillStore } from "../../src/store/backfills.ts";
import { env, migrate, rowsOf } from "../support/bindings.ts";
import { createStores, newConnection } from "../support/stores.ts";

const stores = createStores();
const backfills = backfillStore(drizzle(env.DB));
beforeAll(migrate);

const client = (text: string) => text as RecordId;
let made = 0;
const begin = (connection: ConnectionId, user = "u1", of = "c1", now = 1_000) =>
  backfills.begin(connection, user, client(of), `bf-${++made}`, now);

describe("begin", () => {
  it("BF1 makes a row once per user and client; later ones find it", async () => {
    const id = await newConnection(stores);
    const first = await begin(id);
    expect(first).toMatchObject({
      created: true,
      backfill: { connection: id, clientId: "c1", status: "queued", createdAt: 1_000, updatedAt: 1_000 },
    });
    expect(first.backfill).not.toHaveProperty("reason");
    expect(await begin(id, "u1", "c1", 9_000)).toEqual({ ...first, created: false });
    for (const [user, of] of [
      ["u2", "c1"],
      ["u1", "c2"],
    ] as const)
      expect((await begin(id, user, of)).created).toBe(true);
    expect((await begin(await newConnection(stores))).created).toBe(true);
  });

  it("BF1 many at the same time make one row, and one of them is first", async () => {
    const id = await newConnection(stores);
    const begun = await Promise.all(Array.from({ length: 200 }, () => begin(id)));
    expect(begun.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(begun.map(({ backfill }) => backfill.id)).size).toBe(1);
    expect(await rowsOf("SELECT 1 FROM backfills WHERE connection_id = ?1", id)).toHaveLength(1);
  });
});

describe("the rest of its life", () => {
  it("BF1 is found by its id within its own connection alone", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    const { backfill } = await begin(id);
    expect(await backfills.get(id, backfill.id)).toEqual(backfill);
    expect(await backfills.get(other, backfill.id)).toBeUndefined();
    expect(await backfills.get(id, "nobody")).toBeUndefined();
  });

  it("BF1 a status brings its reason, and the next takes it away again", async () => {
    const id = await newConnection(stores);
    const { backfill } = await begin(id);
    await backfills.set(backfill.id, "failed", "upstream answered 403", 2_000);
    expect(await backfills.get(id, backfill.id)).toEqual({
      ...backfill,
      status: "failed",
      reason: "upstream answered 403",
      updatedAt: 2_000,
    });
    await backfills.set(backfill.id, "done", undefined, 3_000);
    expect(await backfills.get(id, backfill.id)).toEqual({ ...backfill, status: "done", updatedAt: 3_000 });
  });

  it("BF1 a client's markers are cleared for every user, and no one else's", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    const doomed = [await begin(id, "u1", "c1"), await begin(id, "u2", "c1")];
    const kept = [await begin(id, "u1", "c2"), await begin(other, "u1", "c1")];
    await backfills.clearClient(id, "c1");
    for (const { backfill } of doomed) expect(await backfills.get(id, backfill.id)).toBeUndefined();
    for (const { backfill } of kept)
      expect(await backfills.get(backfill.connection, backfill.id)).toEqual(backfill);
    expect((await begin(id, "u1", "c1")).created).toBe(true);
  });

  it("BF1 forgotten are those unfinished and untouched since before an instant, so many at most", async () => {
    const id = await newConnection(stores);
    const rows = [];
    for (const of of ["old", "running", "done", "failed", "fresh"]) {
      rows.push((await begin(id, "u1", of, of === "fresh" ? 5_000 : 1_000)).backfill);
    }
    const [, running, done, failed] = rows;
    for (const row of [running, done, failed])
      await backfills.set(row?.id ?? "", row?.clientId as "running" | "done" | "failed", undefined, 2_000);
    await begin(await newConnection(stores), "u1", "foreign", 1);
    const stale = async (before: number, limit = 10) =>
      (await backfills.stale(id, before, limit)).map(({ clientId }) => clientId).sort();
    expect(await stale(2_000)).toEqual(["old"]);
    expect(await stale(2_001)).toEqual(["old", "running"]);
    expect(await stale(9_000)).toEqual(["fresh", "old", "running"]);
    expect(await stale(9_000, 2)).toHaveLength(2);
  });

  it("AD1 is gone with its connection", async () => {
    const id = await newConnection(stores);
    const { backfill } = await begin(id);
    expect(await stores.connections.remove(id)).toMatchObject({ backfills: 1 });
    expect(await backfills.get(id, backfill.id)).toBeUndefined();
  });
});
