// What is wrong with a connection: named, so that whoever finds one mended clears exactly that one.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { migrate, rowsOf } from "../support/bindings.ts";
import { createStores, newConnection } from "../support/stores.ts";

const stores = createStores();
const { connections, statements } = stores;
beforeAll(migrate);

async function active(): Promise<ConnectionId> {
  const id = await newConnection(stores);
  await connections.activate(id, { id: "wh_1", url: "https://mirror.test/hooks/x" });
  return id;
}

async function standing(id: ConnectionId) {
  const { status, statusReason } = (await connections.get(id)) ?? {};
  const listed = (await connections.list()).find((one) => one.id === id);
  expect([listed?.status, listed?.statusReason]).toEqual([status, statusReason]);
  return { status, statusReason };
}

const silent = { name: "webhook/silent", reason: "Nothing was heard." };
const swept = { name: "sweep/clients", reason: "The sweep of clients stopped." };
const wellAgain = { status: "active", statusReason: undefined };

describe("problems", () => {
  it("OP1 degrade an active connection and say why; cleared, it is active again", async () => {
    const id = await active();
    await connections.raise(id, silent, 1_000);
    expect(await standing(id)).toEqual({ status: "degraded", statusReason: "Nothing was heard." });
    await connections.clear(id, silent.name);
    expect(await standing(id)).toEqual(wellAgain);
  });

  it("OP1 several at once are all said, the oldest first, and each is cleared by its own name", async () => {
    const id = await active();
    await connections.raise(id, swept, 2_000);
    await connections.raise(id, silent, 1_000);
    const statusReason = "Nothing was heard. The sweep of clients stopped.";
    expect(await standing(id)).toEqual({ status: "degraded", statusReason });
    await connections.clear(id, "webhook/other");
    await connections.clear(id, silent.name);
    expect(await standing(id)).toEqual({ status: "degraded", statusReason: swept.reason });
    await connections.clear(id, swept.name);
    expect(await standing(id)).toEqual(wellAgain);
  });

  it("OP1 raised again one keeps its start, writes nothing when nothing is new, and says what is", async () => {
    const id = await active();
    await connections.raise(id, silent, 1_000);
    statements.length = 0;
    await connections.raise(id, silent, 9_000);
    expect(statements.map(({ rowsWritten }) => rowsWritten)).toEqual([0]);
    await connections.raise(id, { ...silent, reason: "Nothing was heard for 7 h." }, 9_000);
    expect(await rowsOf("SELECT reason, since FROM problems WHERE connection_id = ?1", id)).toEqual([
      { reason: "Nothing was heard for 7 h.", since: 1_000 },
    ]);
  });

  it("SW6 clearing what is not there writes no row", async () => {
    const id = await active();
    statements.length = 0;
    await connections.clear(id, swept.name);
    expect(statements.map(({ rowsWritten }) => rowsWritten)).toEqual([0]);
  });

  it("OP1 are kept through a pause, which says more; and a problem does not keep a pause away", async () => {
    const id = await active();
    await connections.raise(id, silent, 1_000);
    await connections.pause(id, "RCMS no longer accepts the API key (401).");
    expect(await standing(id)).toEqual({
      status: "paused",
      statusReason: "RCMS no longer accepts the API key (401).",
    });
    await connections.unpause(id);
    expect(await standing(id)).toEqual({ status: "degraded", statusReason: silent.reason });
  });

  it("OP1 of one connection are no other's, and are gone with it", async () => {
    const [id, other] = [await active(), await active()];
    await connections.raise(id, silent, 1_000);
    await connections.raise(id, swept, 1_000);
    expect((await standing(other)).status).toBe("active");
    expect(await connections.remove(id)).toMatchObject({ problems: 2 });
    expect(await rowsOf("SELECT 1 FROM problems WHERE connection_id = ?1", id)).toEqual([]);
  });
});
