// The gate after failures: when it opens, probes and closes, and how it rations retries.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { GRANTED, gate } from "./gate-story.ts";

describe("the breaker", () => {
  const open = (waitMs: number) => ({ granted: false, by: "breaker", waitMs });

  it("GT1 opens after five failures in a row, not after four", () => {
    const one = gate();
    one.fail(4);
    expect(one.ask()).toEqual({ granted: true, report: true });
    one.fail(1);
    expect(one.ask("interactive")).toEqual(open(limits.breakerOpenMs));
  });

  it("GT1 a success in between starts the count again, and is asked for only then", () => {
    const one = gate();
    expect(one.ask()).toEqual(GRANTED);
    one.fail(4);
    expect(one.ask()).toEqual({ granted: true, report: true });
    one.tell({ outcome: "ok" });
    expect(one.ask()).toEqual(GRANTED);
    one.fail(4);
    expect(one.ask().granted).toBe(true);
  });

  it("GT1 lets one probe through when its time is over, and nobody beside it", () => {
    const one = gate();
    one.fail(5);
    one.pass(limits.breakerOpenMs);
    expect(one.ask()).toEqual({ granted: true, report: true });
    expect(one.ask("interactive")).toEqual(open(1_000));
    one.tell({ outcome: "ok" });
    expect(one.ask()).toEqual(GRANTED);
  });

  it("GT1 a probe that fails opens it for twice as long, up to a cap; one that succeeds starts over", () => {
    const one = gate();
    one.fail(5);
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      const permit = one.ask();
      if (permit.granted || permit.by === "paused") throw new Error("it is open");
      waits.push(permit.waitMs);
      one.pass(permit.waitMs);
      expect(one.ask().granted).toBe(true);
      one.fail(1);
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
    one.pass(limits.breakerOpenMaxMs);
    expect(one.ask().granted).toBe(true);
    one.tell({ outcome: "ok" });
    one.fail(5);
    expect(one.ask()).toEqual(open(limits.breakerOpenMs));
  });

  it("GT1 a probe nobody reports on is followed by another, so that it cannot stay open for ever", () => {
    const one = gate();
    one.fail(5);
    one.pass(limits.breakerOpenMs);
    expect(one.ask().granted).toBe(true);
    one.pass(limits.upstreamTimeoutMs);
    expect(one.ask()).toEqual({ granted: true, report: true });
  });

  it("GT1 failures of calls already under way when it opened are the same outage", () => {
    const one = gate();
    one.fail(25);
    expect(one.ask()).toEqual(open(limits.breakerOpenMs));
  });

  it("GT1 a probe answered with 429 leaves it open, and the next call after the pause is a probe again", () => {
    const one = gate();
    one.fail(5);
    one.pass(limits.breakerOpenMs);
    one.ask();
    one.tell({ outcome: "rate_limited", retryAfterMs: 3_000 });
    expect(one.ask()).toMatchObject({ by: "rate_limit" });
    one.pass(3_000);
    expect(one.ask()).toEqual({ granted: true, report: true });
    expect(one.ask()).toEqual(open(1_000));
  });
});

describe("retries", () => {
  it("WR8 repeated calls have a ration of their own, so that an outage is not made worse", () => {
    const one = gate({ perMinute: 1_000, burst: 1_000 });
    expect(one.drain("event", true)).toBe(limits.retryReserve);
    expect(one.ask("event", true)).toEqual({ granted: false, by: "budget", waitMs: 5_000 });
    expect(one.ask("event", false)).toEqual(GRANTED);
    one.pass(5_000);
    expect(one.drain("event", true)).toBe(1);
  });

  it("WR8 first calls earn retries: one for ten", () => {
    const one = gate({ perMinute: 1_000, burst: 1_000 });
    one.drain("event", true);
    for (let i = 0; i < 101; i++) one.ask("event");
    expect(one.drain("event", true)).toBe(10);
  });

  it("WR8 a probe may be a retry even when the ration is used up", () => {
    const one = gate({ perMinute: 1_000, burst: 1_000 });
    one.drain("event", true);
    one.fail(5);
    one.pass(limits.breakerOpenMs - 1);
    expect(one.ask("event", true).granted).toBe(false);
    one.pass(1);
    expect(one.ask("event", true).granted).toBe(true);
  });
});
