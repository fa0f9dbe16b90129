// Connecting an upstream account: what is asked, what is kept, and what a crash leaves.

import { describe, expect, it } from "vitest";
import { connect, resume } from "../../src/sync/connect.ts";
import { ID, REQUEST, setUp } from "./connecting.ts";
import { START } from "./world.ts";

describe("connecting", () => {
  it("SUB1 registers the webhook at our address and keeps its secret, without a person seeing it", async () => {
    const { deps, desk, memory } = setUp();
    const connected = await connect(deps, REQUEST);
    expect(connected).toMatchObject({
      result: "connected",
      connection: {
        id: "wales",
        status: "active",
        webhookId: "wh_1",
        webhookUrl: "https://mirror.example/hooks/wales",
      },
    });
    expect([...desk.registered.values()]).toMatchObject([
      {
        url: "https://mirror.example/hooks/wales",
        idempotencyKey: "nonce-1",
        description: "rcms-mirror wales",
      },
    ]);
    expect((await memory.connections.receiver(ID, START))?.signingSecrets).toEqual(["whsec_1"]);
    expect(JSON.stringify(connected)).not.toContain("whsec");
  });

  it("SUB1 asks for the events it was told to", async () => {
    const { deps, desk } = setUp();
    const events = ["client.updated"];
    await connect(deps, { ...REQUEST, webhook: { by: "us", publicUrl: "https://m", events } });
    expect([...desk.registered.values()]).toMatchObject([{ events, url: "https://m/hooks/wales" }]);
  });

  it("SUB1 by hand takes the secret that was pasted and asks the upstream nothing", async () => {
    const { deps, desk, memory } = setUp();
    const webhook = { by: "hand", signingSecret: "whsec_pasted" } as const;
    expect(await connect(deps, { ...REQUEST, webhook })).toMatchObject({ result: "connected" });
    expect(desk.registered.size).toBe(0);
    expect((await memory.connections.receiver(ID, START))?.signingSecrets).toEqual(["whsec_pasted"]);
    expect(await memory.connections.get(ID)).not.toHaveProperty("webhookUrl");
  });

  it("SUB1 a second time is told that it exists, and changes nothing", async () => {
    const { deps, desk, memory } = setUp();
    await connect(deps, REQUEST);
    const before = await memory.connections.get(ID);
    expect(await connect(deps, { ...REQUEST, account: { ...REQUEST.account, apiKey: "other" } })).toEqual({
      result: "exists",
    });
    expect(await memory.connections.get(ID)).toEqual(before);
    expect(desk.registered.size).toBe(1);
  });

  it("SUB1 refused by the upstream leaves nothing, and may be tried again", async () => {
    const { deps, desk, memory, gate } = setUp();
    desk.failWith({ kind: "key_rejected" });
    expect(await connect(deps, REQUEST)).toEqual({
      result: "refused",
      reason: "upstream answered 401: the API key is not accepted",
    });
    expect(await memory.connections.list()).toEqual([]);
    expect(gate.at(-1)).toBe("clear");
    desk.failWith(undefined);
    expect(await connect(deps, REQUEST)).toMatchObject({ result: "connected" });
  });

  it("GT1 starts with an open gate, whatever a connection of this name left behind", async () => {
    const { deps, gate } = setUp();
    await connect(deps, REQUEST);
    expect(gate).toEqual(["resume"]);
  });
});

describe("a crash while connecting", () => {
  const steps = ["addSecret", "activate"] as const;
  it.each(steps)(
    "SUB1 before %s is mended by asking again: one webhook, one secret, as if nothing had been",
    async (step) => {
      let crashed = false;
      const { deps, desk, memory } = setUp((own) => ({
        connections: {
          ...own.connections,
          [step]: async (...args: Parameters<typeof own.connections.addSecret>) => {
            if (crashed) return (own.connections[step] as typeof own.connections.addSecret)(...args);
            crashed = true;
            throw new Error("died");
          },
        },
      }));
      await expect(connect(deps, REQUEST)).rejects.toThrow("died");
      expect(await memory.connections.list()).toMatchObject([{ status: "connecting" }]);
      const changed = { ...REQUEST, account: { ...REQUEST.account, apiKey: "key-2" } };
      expect(await connect(deps, changed)).toMatchObject({
        result: "connected",
        connection: { apiKey: "key-2" },
      });
      expect(desk.registered.size).toBe(1);
      expect((await memory.connections.receiver(ID, START))?.signingSecrets).toEqual(["whsec_1"]);
    },
  );

  it("SUB1 is not mended by resuming: what was never registered does not become active", async () => {
    const { deps, memory } = setUp();
    await memory.connections.begin({
      id: ID,
      source: "rcms",
      ...REQUEST.account,
      nonce: "open",
      createdAt: START,
    });
    await resume(deps, ID);
    expect(await memory.connections.unfinished(ID)).toBe("open");
  });
});
