// Permits taken together: asked for seldom, waited for where it costs nothing, spent once, and void in time.

import { describe, expect, it } from "vitest";
import { acquire, type CallAsk, type CallReport, openGate, type Permit } from "../../src/core/gate.ts";
import { type Leasing, leasedElsewhere } from "../../src/core/leases.ts";
import { limits } from "../../src/core/limits.ts";
import { permitsInTurn, spending } from "../../src/sync/permits.ts";
import { handClock } from "./world.ts";

const LEASE: Leasing = { name: "sweep/verify", holder: "a walk", forMs: 1_000 };

/** A gate with a budget of its own, on a clock that only waiting moves. */
function setUp(budget = { perMinute: 120, burst: 30 }, always?: Permit) {
  const clock = handClock();
  let state = openGate(budget, clock.now());
  const asks: CallAsk[] = [];
  const leased: unknown[] = [];
  const reports: CallReport[] = [];
  const slept: number[] = [];
  const gate = {
    acquire: async (ask: CallAsk, under?: Leasing): Promise<Permit> => {
      asks.push(ask);
      leased.push(under);
      const asked = acquire(state, ask, budget, clock.now());
      state = asked.state;
      return always ?? asked.permit;
    },
    report: async (call: CallReport) => void reports.push(call),
  };
  const sleep = async (ms: number) => {
    slept.push(ms);
    clock.pass(ms);
  };
  return { clock, gate, asks, leased, reports, slept, deps: { now: clock.now, sleep, gate } };
}

describe("a walk's permits", () => {
  it("GT1 two hundred looks, sixteen at a time, ask the gate once for each sixteen", async () => {
    const { deps, asks, slept } = setUp();
    const next = permitsInTurn(deps, "sweep", LEASE);
    let calls = 0;
    for (let looked = 0; looked < 200; looked += calls)
      calls = (await next(Math.min(16, 200 - looked)))?.calls ?? Number.NaN;
    // Two more where the minute's count holds some of them back.
    expect(asks.length).toBeLessThanOrEqual(13 + 2);
    expect(slept.every((ms) => ms <= limits.gateWaitMs)).toBe(true);
  });

  it("GT1 what is left is taken without a wait", async () => {
    const { deps, slept } = setUp();
    const next = permitsInTurn(deps, "sweep", LEASE);
    for (const calls of [1, 3, 2, 9]) expect(await next(calls)).toMatchObject({ calls });
    expect(slept).toEqual([]);
  });

  it("GT1 a gate that is closed, or a wait too long, gives none: whoever calls is told why", async () => {
    for (const refusal of [
      { granted: false, by: "paused" },
      { granted: false, by: "breaker", waitMs: 5 },
      { granted: false, by: "rate_limit", waitMs: 5 },
      { granted: false, by: "budget", waitMs: limits.walkWaitMs + 1 },
    ] as const) {
      const { deps, asks, slept } = setUp(undefined, refusal);
      expect(await permitsInTurn(deps, "verify", LEASE)(12)).toMatchObject({ calls: 0 });
      expect([asks.length, slept]).toEqual([1, []]);
    }
  });

  it("GT1 a walk waits once for the next permits, and a bounded time in all", async () => {
    const { deps, asks, slept } = setUp(undefined, { granted: false, by: "budget", waitMs: 7_000 });
    const next = permitsInTurn(deps, "verify", LEASE);
    expect(await next(12)).toMatchObject({ calls: 0 });
    expect([asks.length, slept.reduce((sum, ms) => sum + ms, 0)]).toEqual([2, 7_000]);
    for (let n = 0; n < 100; n++) await next(12);
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(limits.walkWaitsMs);
  });
});

describe("a walk's lease", () => {
  it("SW4 is taken, and kept, by every ask for permits, the one after a wait included", async () => {
    const { deps, asks, leased } = setUp({ perMinute: 120, burst: 5 });
    const next = permitsInTurn(deps, "sweep", LEASE);
    for (let n = 0; n < 4; n++) await next(4);
    expect(asks.length).toBeGreaterThanOrEqual(4);
    expect(leased).toEqual(asks.map(() => LEASE));
  });

  it("SW4 while it is another's there are no permits and no waiting: the walk is not to look at all", async () => {
    const { deps, asks, slept } = setUp(undefined, leasedElsewhere(LEASE));
    expect(await permitsInTurn(deps, "sweep", LEASE)(12)).toBeUndefined();
    expect([asks.length, slept]).toEqual([1, []]);
  });
});

describe("a permit in hand", () => {
  const ask = { class: "verify", retry: false } as const;
  const given = (calls: number, until: number) => ({ calls, until, report: false });

  it("GT1 is spent once; then the gate is asked, and for a repeated call always", async () => {
    const { gate, asks, clock } = setUp();
    const door = spending(gate, given(2, clock.now() + 1), clock.now);
    for (let n = 0; n < 3; n++) expect(await door.acquire(ask)).toMatchObject({ granted: true });
    expect(asks).toEqual([ask]);
    const repeated = spending(gate, given(2, clock.now() + 1), clock.now);
    await repeated.acquire({ ...ask, retry: true });
    expect(asks).toHaveLength(2);
  });

  it("GT1 is void when its time is over", async () => {
    const { gate, asks, clock } = setUp();
    const door = spending(gate, given(9, clock.now() + limits.permitMs), clock.now);
    clock.pass(limits.permitMs - 1);
    await door.acquire(ask);
    clock.pass(1);
    await door.acquire(ask);
    expect(asks).toHaveLength(1);
  });

  it.each<CallReport>([
    { outcome: "rate_limited", retryAfterMs: 9 },
    { outcome: "key_rejected" },
    { outcome: "failed" },
  ])("GT1 is void once a call was answered $outcome, and the gate has heard of it", async (call) => {
    const { gate, asks, reports, clock } = setUp();
    const door = spending(gate, given(9, clock.now() + limits.permitMs), clock.now);
    await door.acquire(ask);
    await door.report(call);
    await door.acquire(ask);
    expect([asks.length, reports]).toEqual([1, [call]]);
  });

  it("GT1 says when none is left: spent, void, or dropped", async () => {
    const { gate, clock } = setUp();
    const until = clock.now() + 9;
    const [spent, late, failed] = [1, 9, 9].map((calls) => spending(gate, given(calls, until), clock.now));
    expect([spent?.over(), late?.over(), failed?.over()]).toEqual([false, false, false]);
    await spent?.acquire(ask);
    await failed?.report({ outcome: "failed" });
    expect([spent?.over(), late?.over(), failed?.over()]).toEqual([true, false, true]);
    clock.pass(9);
    expect(late?.over()).toBe(true);
  });
});
