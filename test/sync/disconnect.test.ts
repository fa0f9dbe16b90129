// A connection's later life: let go, resumed, given a further secret.

import { describe, expect, it } from "vitest";
import type { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { addSecret, connect, resume } from "../../src/sync/connect.ts";
import { ID, REQUEST, setUp } from "./connecting.ts";
import { connectionOf } from "./world.ts";

const DOWN: Failure = { kind: "server_error", status: 503 };

describe("letting go", () => {
  it("SUB1 removes the webhook upstream, then every row, then what the objects remember", async () => {
    const { deps, desk, memory, gate, letGo } = setUp();
    await connect(deps, REQUEST);
    await memory.kinds.markProven(ID, "clients");
    expect(await letGo()).toMatchObject({
      result: "removed",
      webhook: "removed",
      rows: { signingSecrets: 1, kindState: 1, records: 0 },
    });
    expect(desk.removed).toEqual(["wh_1"]);
    expect(await memory.connections.list()).toEqual([]);
    expect(gate.slice(-2)).toEqual(["clear state", "clear"]);
    expect(await letGo()).toEqual({ result: "absent" });
  });

  it("SUB1 waits while the upstream cannot be reached, unless forced", async () => {
    const { deps, desk, memory, letGo } = setUp();
    await connect(deps, REQUEST);
    desk.failWith(DOWN);
    expect(await letGo()).toEqual({ result: "refused", reason: "upstream answered 503" });
    expect(await memory.connections.get(ID)).toMatchObject({ status: "active" });
    expect(await letGo(true)).toMatchObject({ result: "removed", webhook: "left" });
    expect(await memory.connections.get(ID)).toBeUndefined();
  });

  it("SUB1 is not held up by a key that can remove nothing any more", async () => {
    for (const failure of [{ kind: "key_rejected" }, { kind: "forbidden" }] as const) {
      const { deps, desk, letGo } = setUp();
      await connect(deps, REQUEST);
      desk.failWith(failure);
      expect(await letGo()).toMatchObject({ result: "removed", webhook: "left" });
    }
  });
});

describe("resuming", () => {
  it("WR8 after a pause opens the gate, takes the new key and sends again what was parked", async () => {
    const { deps, memory, gate, jobs, clock } = setUp();
    await connect(deps, REQUEST);
    await memory.connections.pause(ID, "the key was rejected");
    jobs.length = 0;
    clock.pass(1_000);
    expect(await resume(deps, ID, "key-2")).toBe(true);
    expect(await memory.connections.get(ID)).toMatchObject({ status: "active", apiKey: "key-2" });
    expect(await memory.connections.get(ID)).not.toHaveProperty("statusReason");
    expect(gate.at(-1)).toBe("resume");
    expect(jobs).toContainEqual({ job: "replay", connection: ID, parkedBefore: clock.now() + 1 });
    expect(await resume(deps, connectionOf("nobody"))).toBe(false);
  });
});

describe("a further secret", () => {
  it("IN4 is valid at once, and the older for as long as RCMS may still send what it signed with it", async () => {
    const { deps, memory, clock } = setUp();
    await connect(deps, REQUEST);
    clock.pass(1_000);
    expect(await addSecret(deps, ID, "whsec_new")).toBe(true);
    const valid = async (at: number) => (await memory.connections.receiver(ID, at))?.signingSecrets;
    expect(await valid(clock.now())).toEqual(["whsec_new", "whsec_1"]);
    expect(await valid(clock.now() + limits.secretOverlapMs - 1)).toEqual(["whsec_new", "whsec_1"]);
    expect(await valid(clock.now() + limits.secretOverlapMs)).toEqual(["whsec_new"]);
    expect(await addSecret(deps, connectionOf("nobody"), "x")).toBe(false);
  });
});
