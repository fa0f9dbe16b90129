// Connections and their secrets at rest: sealed, bound to their row, overlapping, and gone when removed.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { env, migrate, rowsOf, tableNames } from "../support/bindings.ts";
import { createStores, newConnection, sealingKey } from "../support/stores.ts";

const stores = createStores();
const { connections } = stores;
beforeAll(migrate);

const DAY = 86_400_000;

describe("sealing", () => {
  it("PR2 no table holds an API key or a signing secret in clear", async () => {
    const id = await newConnection(stores, "the-api-key-in-clear");
    await connections.addSecret(id, "the-secret-in-clear", 1, 1);
    await connections.setApiKey(id, "the-second-key-in-clear");
    for (const table of await tableNames()) {
      const text = JSON.stringify(await rowsOf(`SELECT * FROM ${table}`));
      expect(text, table).not.toContain("in-clear");
    }
    expect((await connections.get(id))?.apiKey).toBe("the-second-key-in-clear");
    expect((await connections.receiver(id, 2))?.signingSecrets).toEqual(["the-secret-in-clear"]);
  });

  it("PR2 sealing twice gives two texts", async () => {
    const [one, other] = [await newConnection(stores, "same"), await newConnection(stores, "same")];
    const rows = await rowsOf<{ api_key: string }>(
      "SELECT api_key FROM connections WHERE id IN (?1, ?2)",
      one,
      other,
    );
    expect(new Set(rows.map(({ api_key }) => api_key)).size).toBe(2);
  });

  it("PR2 a sealed text moved to another row does not open there", async () => {
    const [one, other] = [await newConnection(stores, "mine"), await newConnection(stores, "yours")];
    await env.DB.prepare(
      "UPDATE connections SET api_key = (SELECT api_key FROM connections WHERE id = ?1) WHERE id = ?2",
    )
      .bind(one, other)
      .run();
    await expect(connections.get(other)).rejects.toThrow(`connections/${other}/api_key does not open`);
    expect((await connections.get(one))?.apiKey).toBe("mine");
  });

  it("PR2 a signing secret moved to another connection does not open there", async () => {
    const [one, other] = [await newConnection(stores), await newConnection(stores)];
    await connections.addSecret(one, "whsec_mine", 1, 1);
    await env.DB.prepare("UPDATE signing_secrets SET connection_id = ?2 WHERE connection_id = ?1")
      .bind(one, other)
      .run();
    await expect(connections.receiver(other, 2)).rejects.toThrow("does not open");
  });

  it("PR2 the previous sealing key still opens, another key does not", async () => {
    const id = await newConnection(stores, "sealed-before");
    const rotated = createStores(sealingKey(2), sealingKey(1));
    expect((await rotated.connections.get(id))?.apiKey).toBe("sealed-before");
    await rotated.connections.setApiKey(id, "sealed-after");
    const afterwards = createStores(sealingKey(2));
    expect((await afterwards.connections.get(id))?.apiKey).toBe("sealed-after");
    await expect(connections.get(id)).rejects.toThrow("SEALING_KEY is not the key it was sealed with");
  });

  it("PR1 what does not open is named by its place, not by its content", async () => {
    const id = await newConnection(stores, "never-shown");
    const error = await createStores(sealingKey(9))
      .connections.get(id)
      .catch((reason: unknown) => reason);
    expect(String(error)).toContain(`connections/${id}/api_key`);
    expect(String(error)).not.toContain("never-shown");
  });
});

describe("signing secrets", () => {
  it("IN4 a new secret leaves the older ones valid until the overlap ends", async () => {
    const id = await newConnection(stores);
    await connections.addSecret(id, "old", 1_000, 1_000);
    await connections.addSecret(id, "new", 2_000, 2_000 + DAY);
    const active = async (now: number) => (await connections.receiver(id, now))?.signingSecrets;
    expect(await active(3_000)).toEqual(["new", "old"]);
    expect(await active(2_000 + DAY - 1)).toEqual(["new", "old"]);
    expect(await active(2_000 + DAY)).toEqual(["new"]);
  });

  it("IN4 a third secret never lengthens the life of the first", async () => {
    const id = await newConnection(stores);
    await connections.addSecret(id, "first", 1_000, 1_000);
    await connections.addSecret(id, "second", 2_000, 10_000);
    await connections.addSecret(id, "third", 5_000, 90_000);
    expect((await connections.receiver(id, 9_999))?.signingSecrets).toEqual(["third", "second", "first"]);
    expect((await connections.receiver(id, 10_000))?.signingSecrets).toEqual(["third", "second"]);
  });

  it("IN4 a secret added again is one row and is the newest for good", async () => {
    const id = await newConnection(stores);
    await connections.addSecret(id, "a", 1_000, 1_000);
    await connections.addSecret(id, "b", 2_000, 3_000);
    await connections.addSecret(id, "a", 2_500, 4_000);
    expect((await connections.receiver(id, 2_600))?.signingSecrets).toEqual(["a", "b"]);
    expect((await connections.receiver(id, 99_000))?.signingSecrets).toEqual(["a"]);
  });

  it("IN4 a connection without a valid secret is still a connection", async () => {
    const id = await newConnection(stores);
    expect((await connections.receiver(id, 1))?.signingSecrets).toEqual([]);
    expect(await connections.receiver("nobody" as ConnectionId, 1)).toBeUndefined();
  });
});

describe("the life of a connection", () => {
  it("SUB1 an id is begun once, and remembers its nonce until it is active", async () => {
    const id = await newConnection(stores);
    const again = { id, source: "rcms", baseUrl: "https://x.test", apiKey: "k", fields: {}, createdAt: 2 };
    expect(await connections.begin({ ...again, nonce: "another" })).toBe(false);
    expect(await connections.unfinished(id)).toBe("n");
    expect((await connections.get(id))?.status).toBe("connecting");
    await connections.activate(id, { id: "wh_1", url: "https://mirror.test/hooks/x" });
    expect(await connections.unfinished(id)).toBeUndefined();
    expect(await connections.get(id)).toMatchObject({
      status: "active",
      webhookId: "wh_1",
      webhookUrl: "https://mirror.test/hooks/x",
    });
  });

  it("WR8 a pause names its reason until it ends, and the second writes nothing", async () => {
    const id = await newConnection(stores);
    await connections.activate(id, { url: "" });
    await connections.pause(id, "the key is not accepted");
    const paused = { status: "paused", statusReason: "the key is not accepted" };
    expect(await connections.get(id)).toMatchObject(paused);
    stores.statements.length = 0;
    await connections.pause(id, "another reason");
    expect(stores.statements.map(({ rowsWritten }) => rowsWritten)).toEqual([0]);
    expect(await connections.list()).toContainEqual(expect.objectContaining({ id, ...paused }));
    await connections.unpause(id);
    const { status, statusReason } = (await connections.get(id)) ?? {};
    expect([status, statusReason]).toEqual(["active", undefined]);
  });
});
