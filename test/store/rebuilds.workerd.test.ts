// Rebuilds at rest: one row per kind, with the checkpoint that makes them resumable.

import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId, Kind } from "../../src/core/ids.ts";
import { rebuildStore } from "../../src/store/rebuilds.ts";
import { newRun } from "../../src/sync/paging.ts";
import type { PageRun } from "../../src/sync/stores.ts";
import { env, migrate } from "../support/bindings.ts";
import { createStores, newConnection } from "../support/stores.ts";

const stores = createStores();
const rebuilds = rebuildStore(drizzle(env.DB));
beforeAll(migrate);

const run = (pages: number, more: Partial<PageRun> = {}): PageRun => ({
  ...newRun(),
  startedAt: 1_234,
  pages,
  seen: 10 * pages,
  ...more,
});
const order = (id: ConnectionId, kind: Kind = "clients", now = 1_000, before = 7) =>
  rebuilds.order(id, kind, newRun(), before, now);
const standing = async (id: ConnectionId) =>
  (await rebuilds.list(id)).map(({ kind, status }) => `${kind} ${status}`);

describe("an order", () => {
  it("RB1 is listed in the order of kinds, each with what was there before", async () => {
    const id = await newConnection(stores);
    for (const kind of ["assessment-status", "clients", "organizations", "staff"] as const)
      await order(id, kind);
    expect(await standing(id)).toEqual([
      "organizations queued",
      "staff queued",
      "clients queued",
      "assessment-status queued",
    ]);
    const [first] = await rebuilds.list(id);
    expect(first).toEqual({
      kind: "organizations",
      status: "queued",
      run: newRun(),
      recordsBefore: 7,
      startedAt: 1_000,
      updatedAt: 1_000,
    });
    expect(await rebuilds.list(await newConnection(stores))).toEqual([]);
  });

  it("RB1 changes nothing while one is queued or running", async () => {
    const id = await newConnection(stores);
    await order(id);
    const queued = await rebuilds.list(id);
    await order(id, "clients", 5_000, 99);
    expect(await rebuilds.list(id)).toEqual(queued);
    await rebuilds.save(id, "clients", run(3), 2_000);
    const running = await rebuilds.list(id);
    await order(id, "clients", 5_000, 99);
    expect(await rebuilds.list(id)).toEqual(running);
  });

  it.each(["done", "failed", "cancelled"] as const)("RB1 after one that is %s starts anew", async (ended) => {
    const id = await newConnection(stores);
    await order(id);
    await rebuilds.save(id, "clients", run(3), 2_000);
    if (ended === "cancelled") await rebuilds.cancel(id, 3_000);
    else await rebuilds.finish(id, "clients", ended, run(3), "a reason", 3_000);
    await order(id, "clients", 5_000, 30);
    expect(await rebuilds.list(id)).toEqual([
      {
        kind: "clients",
        status: "queued",
        run: newRun(),
        recordsBefore: 30,
        startedAt: 5_000,
        updatedAt: 5_000,
      },
    ]);
  });
});

describe("a checkpoint", () => {
  it("RB1 keeps where the run stands, down to the next page's URL", async () => {
    const id = await newConnection(stores);
    await order(id);
    const nextUrl = "https://upstream.test/v1/clients?cursor=é&x=1";
    expect(await rebuilds.save(id, "clients", run(2, { nextUrl, moved: true }), 2_000)).toBe(true);
    expect(await rebuilds.list(id)).toMatchObject([
      { status: "running", run: run(2, { nextUrl, moved: true }), startedAt: 1_000, updatedAt: 2_000 },
    ]);
  });

  it("RB1 is refused once the rebuild is no longer wanted, or never was", async () => {
    const id = await newConnection(stores);
    expect(await rebuilds.save(id, "clients", run(1), 2_000)).toBe(false);
    await order(id);
    await rebuilds.cancel(id, 2_000);
    expect(await rebuilds.save(id, "clients", run(1), 3_000)).toBe(false);
    await order(id, "staff");
    await rebuilds.finish(id, "staff", "done", run(1), undefined, 2_000);
    expect(await rebuilds.save(id, "staff", run(2), 3_000)).toBe(false);
    expect(await standing(id)).toEqual(["staff done", "clients cancelled"]);
  });

  it("RB1 of another connection is another's", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    await order(id);
    await order(other);
    await rebuilds.save(id, "clients", run(4), 2_000);
    await rebuilds.cancel(id, 3_000);
    expect(await standing(id)).toEqual(["clients cancelled"]);
    expect(await standing(other)).toEqual(["clients queued"]);
  });
});

describe("an end", () => {
  it("RB1 has a reason when it failed, and none when it is done", async () => {
    const id = await newConnection(stores);
    await order(id);
    await rebuilds.finish(id, "clients", "failed", run(2), "upstream answered 403", 3_000);
    expect(await rebuilds.list(id)).toMatchObject([{ status: "failed", reason: "upstream answered 403" }]);
    await rebuilds.finish(id, "clients", "done", run(5), undefined, 4_000);
    const [row] = await rebuilds.list(id);
    expect(row).toMatchObject({ status: "done", run: run(5), updatedAt: 4_000 });
    expect(row).not.toHaveProperty("reason");
  });

  it("RB1 cancelling counts what was under way, once", async () => {
    const id = await newConnection(stores);
    for (const kind of ["organizations", "staff", "clients"] as const) await order(id, kind);
    await rebuilds.finish(id, "organizations", "done", run(1), undefined, 2_000);
    await rebuilds.save(id, "staff", run(1), 2_000);
    expect(await rebuilds.cancel(id, 3_000)).toBe(2);
    expect(await rebuilds.cancel(id, 3_000)).toBe(0);
    expect(await standing(id)).toEqual(["organizations done", "staff cancelled", "clients cancelled"]);
  });

  it("AD1 is gone with its connection", async () => {
    const id = await newConnection(stores);
    await order(id);
    await order(id, "staff");
    expect(await stores.connections.remove(id)).toMatchObject({ rebuilds: 2 });
    expect(await rebuilds.list(id)).toEqual([]);
  });
});
