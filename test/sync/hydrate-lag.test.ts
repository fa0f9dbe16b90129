// Events whose record does not show what they spoke of: late, hidden behind another change, or not found.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { consumer } from "./consumer.ts";
import { changedEvent, HERE, START } from "./world.ts";

const ACK = { result: "ack" };
/** The upstream's instant of most changes here: a moment before the delivery. */
const CHANGED = START - 777;

describe("an event that comes back", () => {
  it("WR6 wants a look of its own, whatever another look has shown meanwhile", async () => {
    const { hydrate, upstream, clock } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    clock.pass(1);
    await hydrate([changedEvent({ id: "e1", createdAt: CHANGED })]);
    await hydrate([changedEvent({ id: "e2", createdAt: CHANGED, attempts: 2 })]);
    expect(upstream.calls).toHaveLength(2);
  });
});

describe("a record that lags its webhook", () => {
  it("WR6 is looked at again 2, 7 and 22 s after the receipt, then left to the sweep and counted", async () => {
    const { hydrate, upstream, clock, outcomes, lines } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED - 60_000, hash: "old" });
    const delays: unknown[] = [];
    for (let attempts = 1; ; attempts++) {
      const [settlement] = await hydrate([changedEvent({ createdAt: CHANGED, attempts })]);
      if (settlement?.result !== "retry") break;
      delays.push(settlement.delaySeconds);
      clock.pass(settlement.delaySeconds * 1_000);
    }
    expect(delays).toEqual([2, 5, 15]);
    expect(upstream.calls).toHaveLength(4);
    expect(await outcomes()).toEqual(["evt_1 lagging"]);
    expect(lines).toEqual(['warn event_lagging {"type":"client.updated"}']);
  });

  it("WR6 is done as soon as it shows what the event spoke of", async () => {
    const { hydrate, upstream, clock, outcomes } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED - 60_000, hash: "old" });
    expect(await hydrate([changedEvent({ createdAt: CHANGED })])).toMatchObject([{ result: "retry" }]);
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "new" });
    clock.pass(2_000);
    expect(await hydrate([changedEvent({ createdAt: CHANGED, attempts: 2 })])).toEqual([ACK]);
    expect(await outcomes()).toEqual(["evt_1 update"]);
  });

  it("WR6 a change hidden behind an earlier one of the same moment is found by the second look", async () => {
    const { hydrate, upstream, clock, memory } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED - 1_000, hash: "first" });
    expect(await hydrate([changedEvent({ createdAt: CHANGED })])).toMatchObject([{ result: "retry" }]);
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "second" });
    clock.pass(2_000);
    await hydrate([changedEvent({ createdAt: CHANGED, attempts: 2 })]);
    expect(memory.records.all(HERE)).toMatchObject([{ hash: "second" }]);
  });
});

describe("a record not found", () => {
  it("WR7 keeps its event until the second look confirms it, then the record is buried", async () => {
    const { hydrate, upstream, clock, memory, outcomes } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    await hydrate([changedEvent({ id: "e1", createdAt: CHANGED })]);
    upstream.held.clear();
    clock.pass(1_000);
    const event = { id: "e2", receivedAt: clock.now(), createdAt: clock.now() };
    const began = clock.now();
    for (let attempts = 1; ; attempts++) {
      const [settlement] = await hydrate([changedEvent({ ...event, attempts })]);
      if (settlement?.result !== "retry") break;
      clock.pass(settlement.delaySeconds * 1_000);
    }
    expect(clock.now() - began).toBeGreaterThanOrEqual(limits.confirmAfterMs);
    expect(clock.now() - began).toBeLessThan(limits.confirmAfterMs + 2_000);
    expect(memory.records.all(HERE)).toMatchObject([{ deletedAt: clock.now() }]);
    expect(await outcomes()).toContain("e2 tombstone");
  });

  it("WR7 that was never held is counted as gone", async () => {
    const { hydrate, clock, memory, outcomes } = await consumer();
    await hydrate([changedEvent({ createdAt: CHANGED })]);
    clock.pass(limits.confirmAfterMs);
    expect(await hydrate([changedEvent({ createdAt: CHANGED, attempts: 2 })])).toEqual([ACK]);
    expect(await outcomes()).toEqual(["evt_1 gone"]);
    expect(memory.records.all(HERE)).toEqual([]);
  });
});
