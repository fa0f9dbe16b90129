// The gate's budget, classes, pauses and clock by example. The breaker: gate-breaker.test.ts; histories:
// gate-history.test.ts.

import { describe, expect, it } from "vitest";
import { RESERVES } from "../../src/core/gate.ts";
import { limits } from "../../src/core/limits.ts";
import { GRANTED, gate } from "./gate-story.ts";

describe("the budget", () => {
  it("GT1 a full bucket grants its burst at once, then as fast as it refills", () => {
    const one = gate();
    expect(one.drain("interactive")).toBe(30);
    expect(one.ask("interactive")).toEqual({ granted: false, by: "budget", waitMs: 500 });
    one.pass(500);
    expect(one.drain("interactive")).toBe(1);
    one.pass(5_000);
    expect(one.drain("interactive")).toBe(10);
  });

  it("GT1 in any minute no more than perMinute are granted, whatever the bucket still holds", () => {
    const one = gate({ perMinute: 40, burst: 30 });
    expect(one.drain("interactive")).toBe(30);
    one.pass(30_000);
    expect(one.drain("interactive")).toBe(10);
    one.pass(29_999);
    expect(one.ask("interactive")).toMatchObject({ granted: false, by: "budget" });
    one.pass(2_000);
    expect(one.ask("interactive")).toEqual(GRANTED);
  });

  it("GT1 one call a minute is one in sixty seconds, not in fifty-nine", () => {
    // Found when the count forgot a second too early.
    const one = gate({ perMinute: 1, burst: 2 });
    expect(one.ask("interactive")).toEqual(GRANTED);
    one.pass(59_223);
    expect(one.ask("interactive")).toMatchObject({ granted: false, by: "budget" });
  });

  it("GT1 the least urgent class leaves the last call of a burst to a more urgent one", () => {
    // Found when the bucket was asked for one token whoever asked.
    const one = gate({ perMinute: 3, burst: 2 });
    expect([one.drain("verify"), one.drain("interactive")]).toEqual([1, 1]);
  });

  it("GT1 a wait that is named is enough: asking again then is granted", () => {
    for (const callClass of ["interactive", "event", "sweep", "rebuild", "verify"] as const) {
      const one = gate({ perMinute: 40, burst: 30 });
      one.drain("interactive");
      for (let asked = 0; ; asked++) {
        expect(asked, callClass).toBeLessThan(5);
        const permit = one.ask(callClass);
        if (permit.granted) break;
        one.pass(permit.by === "paused" ? 0 : permit.waitMs);
      }
    }
  });

  it("GT1 the least budget still lets every class through, one call at a time", () => {
    for (const own of [
      { perMinute: 1, burst: 1 },
      { perMinute: 1, burst: 30 },
      { perMinute: 60, burst: 1 },
    ]) {
      for (const callClass of ["interactive", "event", "sweep", "rebuild", "verify"] as const) {
        const one = gate(own);
        expect(one.ask(callClass)).toEqual(GRANTED);
        one.pass(61_000);
        expect(one.ask(callClass)).toEqual(GRANTED);
      }
    }
  });
});

describe("priority", () => {
  it("GT1 the less urgent a class, the sooner it leaves the rest to the others", () => {
    const order = ["interactive", "event", "sweep", "rebuild", "verify"] as const;
    expect(Object.keys(RESERVES)).toEqual(order);
    expect(order.map((callClass) => gate().drain(callClass))).toEqual([30, 27, 24, 15, 12]);
  });

  it("GT1 a reader is served at once after every other class took what it may", () => {
    const one = gate();
    for (const callClass of ["verify", "rebuild", "sweep", "event"] as const) one.drain(callClass);
    expect(one.drain("interactive")).toBe(3);
  });

  it("GT1 the reserve holds for the minute's count too", () => {
    const one = gate({ perMinute: 30, burst: 30 });
    expect(one.drain("sweep")).toBe(24);
    one.pass(30_000);
    expect(one.ask("sweep").granted).toBe(false);
    expect(one.drain("interactive")).toBe(6);
  });
});

describe("a pause", () => {
  it("GT1 a 429 holds every class for as long as it says", () => {
    const one = gate();
    one.tell({ outcome: "rate_limited", retryAfterMs: 7_000 });
    expect(one.ask("interactive")).toEqual({ granted: false, by: "rate_limit", waitMs: 7_000 });
    one.pass(6_999);
    expect(one.ask("interactive")).toEqual({ granted: false, by: "rate_limit", waitMs: 1 });
    one.pass(1);
    expect(one.ask("interactive").granted).toBe(true);
  });

  it("GT1 a 429 without a time holds for a default, and no time is believed beyond a cap", () => {
    const one = gate();
    one.tell({ outcome: "rate_limited" });
    expect(one.ask()).toMatchObject({ waitMs: limits.rateLimitPauseMs });
    one.tell({ outcome: "rate_limited", retryAfterMs: 10 ** 12 });
    expect(one.ask()).toMatchObject({ waitMs: limits.rateLimitPauseMaxMs });
  });

  it("GT1 a shorter 429 does not cut a longer one short", () => {
    const one = gate();
    one.tell({ outcome: "rate_limited", retryAfterMs: 60_000 });
    one.tell({ outcome: "rate_limited", retryAfterMs: 1_000 });
    expect(one.ask()).toMatchObject({ by: "rate_limit", waitMs: 60_000 });
  });

  it("WR8 a rejected key stops everything until an operator resumes; the budget spent stays spent", () => {
    const one = gate();
    one.drain("interactive");
    one.tell({ outcome: "key_rejected" });
    expect(one.ask("interactive")).toEqual({ granted: false, by: "paused" });
    one.pass(1_000);
    expect(one.ask("interactive")).toEqual({ granted: false, by: "paused" });
    one.resume();
    expect(one.drain("interactive")).toBe(2);
  });
});

describe("a clock that steps back", () => {
  it("GT1 refills nothing", () => {
    const one = gate();
    one.drain("interactive");
    one.pass(-10_000);
    expect(one.ask("interactive").granted).toBe(false);
  });

  it("GT1 does not silence the connection for as long as the step", () => {
    const one = gate();
    for (let i = 0; i < 9; i++) {
      one.drain("interactive");
      one.pass(6_000);
    }
    one.pass(-3_600_000);
    one.ask("interactive");
    one.pass(61_000);
    expect(one.ask("interactive")).toEqual(GRANTED);
  });
});
