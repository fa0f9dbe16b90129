// The gate as a Durable Object: what it has granted and been told outlives the object.

import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { CallClass } from "../../src/core/gate.ts";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

const BURST = 30;
const PER_MINUTE = 120;

function openGate() {
  const gate = env.GATES.getByName(newConnectionId());
  const acquire = (callClass: CallClass = "interactive", retry = false) =>
    gate.acquire({ class: callClass, retry });
  /** Asks until refused. @returns how many were granted */
  const drain = async (callClass: CallClass = "interactive") => {
    for (let granted = 0; granted <= 2 * PER_MINUTE; granted++) {
      if (!(await acquire(callClass)).granted) return granted;
    }
    throw new Error("the gate never refuses");
  };
  return { gate, acquire, drain };
}

describe("the budget", () => {
  it("GT1 what was spent stays spent when the object is evicted", async () => {
    const { gate, acquire, drain } = openGate();
    expect(await drain()).toBe(BURST);
    await evictDurableObject(gate);
    const refused = await acquire();
    expect(refused).toMatchObject({ granted: false, by: "budget" });
    passSeconds(0.5);
    expect((await acquire()).granted).toBe(true);
    expect((await acquire()).granted).toBe(false);
  });

  it("GT1 any sixty seconds grant at most the calls of a minute, across evictions", async () => {
    const { gate, drain } = openGate();
    let granted = 0;
    for (let second = 0; second < 60; second++) {
      granted += await drain();
      if (second % 20 === 19) await evictDurableObject(gate);
      passSeconds(1);
    }
    expect(granted).toBeLessThanOrEqual(PER_MINUTE);
    expect(granted).toBeGreaterThan(PER_MINUTE - 10);
  });

  it("GT1 the less urgent leave a share for the more urgent", async () => {
    const { drain } = openGate();
    const granted = [];
    for (const callClass of ["verify", "rebuild", "sweep", "event", "interactive"] as const) {
      granted.push(await drain(callClass));
    }
    expect(granted).toEqual([12, 3, 9, 3, 3]);
  });
});

describe("what the gate was told", () => {
  it("GT1 a pause for a rejected key outlives the object, until someone resumes", async () => {
    const { gate, acquire } = openGate();
    await gate.report({ outcome: "key_rejected" });
    await evictDurableObject(gate);
    expect(await acquire()).toEqual({ granted: false, by: "paused" });
    await gate.resume();
    expect((await acquire()).granted).toBe(true);
  });

  it("GT1 Retry-After outlives the object and ends when it said", async () => {
    const { gate, acquire } = openGate();
    await gate.report({ outcome: "rate_limited", retryAfterMs: 90_000 });
    await evictDurableObject(gate);
    passSeconds(89);
    expect(await acquire()).toEqual({ granted: false, by: "rate_limit", waitMs: 1_000 });
    passSeconds(1);
    expect((await acquire()).granted).toBe(true);
  });

  it("GT1 an open breaker outlives the object and lets one probe through", async () => {
    const { gate, acquire } = openGate();
    for (let i = 0; i < 5; i++) await gate.report({ outcome: "failed" });
    await evictDurableObject(gate);
    expect(await acquire()).toMatchObject({ granted: false, by: "breaker", waitMs: 5_000 });
    passSeconds(5);
    expect(await acquire()).toEqual({ granted: true, report: true });
    expect(await acquire()).toMatchObject({ granted: false, by: "breaker" });
    await gate.report({ outcome: "ok" });
    expect((await acquire()).granted).toBe(true);
  });

  it("GT1 what is cleared is forgotten for good", async () => {
    const { gate, acquire } = openGate();
    await gate.report({ outcome: "key_rejected" });
    await gate.clear();
    await evictDurableObject(gate);
    expect((await acquire()).granted).toBe(true);
  });
});

describe("calls under a lease", () => {
  const ask = { class: "interactive", retry: false } as const;
  const under = (holder: string, name = "sweep/clients") => ({ name, holder, forMs: 10_000 });

  it("SW4 are granted to its holder alone, who keeps it by asking; a refusal spends nothing", async () => {
    const { gate, drain } = openGate();
    expect((await gate.acquire(ask, under("one"))).granted).toBe(true);
    passSeconds(9);
    expect((await gate.acquire(ask, under("one"))).granted).toBe(true);
    passSeconds(9);
    expect(await gate.acquire(ask, under("two"))).toEqual({ granted: false, by: "lease", waitMs: 10_000 });
    expect(await gate.lease("sweep/clients", "two", 1)).toBe(false);
    // The bucket is full again, but for what was refused if that had been counted.
    expect(await drain()).toBe(BURST);
    passSeconds(1);
    expect((await gate.acquire(ask, under("two"))).granted).toBe(true);
  });

  it("SW4 give the lease before back in the same call, and take theirs whatever the budget says", async () => {
    const { gate, drain } = openGate();
    await gate.acquire(ask, under("one", "sweep/staff"));
    await drain();
    const next = { ...under("one"), instead: { name: "sweep/staff", holder: "one" } };
    expect(await gate.acquire(ask, next)).toMatchObject({ granted: false, by: "budget" });
    expect(await gate.lease("sweep/staff", "two", 1)).toBe(true);
    expect(await gate.lease("sweep/clients", "two", 1)).toBe(false);
  });
});

describe("calls", () => {
  it("GT1 an upstream in trouble is left alone: events wait in their queue, mirrored reads go on", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const upstream = createUpstream();
    upstream.install();
    const mirror = createMirror();
    const id = newConnectionId();
    await mirror.connect(id);
    const { get } = await mirror.key(id);
    upstream.put("clients", { id: "kept", updated_at: ago(5) });
    expect((await get("/v1/clients/kept")).status).toBe(200);
    upstream.state.fault = () => problem(503);
    for (let i = 0; i < 8; i++) {
      await mirror.deliver(id, event("client.updated", { client_id: `client_${i}` }));
    }
    const said = await mirror.drain();
    expect(said.map((words) => words.length)).toEqual(Array.from({ length: 8 }, () => 1));
    expect(said.flat()).not.toContain("ack");
    const calls = upstream.asked.length;
    await mirror.deliver(id, event("client.updated", { client_id: "client_9" }));
    expect(await mirror.drain()).toEqual([[{ retry: 5 }]]);
    expect(upstream.asked.length).toBe(calls);
    expect((await get("/v1/clients/kept")).status).toBe(200);
    expect((await get("/v1/clients/missing")).status).toBe(503);
    expect(upstream.asked.length).toBe(calls);
  });

  it("GT1 one connection's trouble is not another's", async () => {
    const [one, other] = [openGate(), openGate()];
    await one.gate.report({ outcome: "key_rejected" });
    expect(await one.drain()).toBe(0);
    expect(await other.drain()).toBe(BURST);
  });
});
