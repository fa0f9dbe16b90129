// Small facts per connection and kind at rest: drift, completeness, proven routes. None touches another.

import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrate, rowsOf } from "../support/bindings.ts";
import { createStores, newConnection } from "../support/stores.ts";

const stores = createStores();
const { kinds, statements } = stores;
beforeAll(migrate);
beforeEach(() => {
  statements.length = 0;
});

const none = { missed: 0, late: 0, rewritten: 0, deleted: 0 };

describe("drift", () => {
  it("SW10 is counted by cause, adds up, and is kept apart by kind and connection", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    await kinds.addDrift(id, "clients", { missed: 2, late: 1 });
    await kinds.addDrift(id, "clients", { missed: 3, rewritten: 4, deleted: 5 });
    await kinds.addDrift(id, "staff", { deleted: 1 });
    expect(await kinds.drift(id)).toEqual({
      clients: { missed: 5, late: 1, rewritten: 4, deleted: 5 },
      staff: { ...none, deleted: 1 },
    });
    expect(await kinds.drift(other)).toEqual({});
  });

  it("SW10 counted from many places at once loses none", async () => {
    const id = await newConnection(stores);
    await Promise.all(Array.from({ length: 50 }, () => kinds.addDrift(id, "clients", { missed: 1 })));
    expect(await kinds.drift(id)).toEqual({ clients: { ...none, missed: 50 } });
  });

  it("SW6 nothing to add asks the database nothing", async () => {
    const id = await newConnection(stores);
    statements.length = 0;
    await kinds.addDrift(id, "clients", {});
    await kinds.addDrift(id, "clients", { missed: 0, late: 0, rewritten: 0, deleted: 0 });
    expect(statements).toEqual([]);
    expect(await rowsOf("SELECT 1 FROM kind_state WHERE connection_id = ?1", id)).toEqual([]);
  });
});

describe("completeness", () => {
  it("RD7 is false until marked, then stays, for this kind of this connection", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    expect(await kinds.isComplete(id, "clients")).toBe(false);
    await kinds.markComplete(id, "clients");
    await kinds.markComplete(id, "clients");
    expect(await kinds.isComplete(id, "clients")).toBe(true);
    expect([await kinds.isComplete(id, "staff"), await kinds.isComplete(other, "clients")]).toEqual([
      false,
      false,
    ]);
  });

  it("RD7 drift, completeness and a proven route share a row without touching each other", async () => {
    const id = await newConnection(stores);
    await kinds.addDrift(id, "clients", { late: 2 });
    expect([await kinds.isComplete(id, "clients"), await kinds.isProven(id, "clients")]).toEqual([
      false,
      false,
    ]);
    await kinds.markProven(id, "clients");
    await kinds.markComplete(id, "clients");
    await kinds.addDrift(id, "clients", { late: 1 });
    expect([await kinds.isComplete(id, "clients"), await kinds.isProven(id, "clients")]).toEqual([
      true,
      true,
    ]);
    expect(await kinds.drift(id)).toEqual({ clients: { ...none, late: 3 } });
  });

  it("WR7 a route proven twice is one row written", async () => {
    const id = await newConnection(stores);
    await kinds.markProven(id, "staff");
    statements.length = 0;
    await kinds.markProven(id, "staff");
    expect(statements.map(({ rowsWritten }) => rowsWritten)).toEqual([0]);
    expect([await kinds.isProven(id, "staff"), await kinds.isProven(id, "clients")]).toEqual([true, false]);
  });

  it("AD1 is gone with the connection", async () => {
    const id = await newConnection(stores);
    await kinds.markComplete(id, "clients");
    await kinds.addDrift(id, "staff", { missed: 1 });
    expect(await stores.connections.remove(id)).toMatchObject({ kindState: 2 });
    expect([await kinds.isComplete(id, "clients"), await kinds.drift(id)]).toEqual([false, {}]);
  });
});
