// Several permits at once: what a walk takes together is no more than it would have been given one by one.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acquire, type CallClass, openGate, RESERVES, report } from "../../src/core/gate.ts";
import { limits } from "../../src/core/limits.ts";
import { GRANTED } from "./gate-story.ts";

const BUDGET = { perMinute: 120, burst: 30 };
const NOW = 1_000_000_000;
const of = (callClass: CallClass, calls?: number, retry = false) => ({
  class: callClass,
  retry,
  ...(calls === undefined ? {} : { calls }),
});

describe("several permits", () => {
  it("GT1 are as many as wanted, or as the class may have: its reserve stays", () => {
    const open = openGate(BUDGET, NOW);
    expect(acquire(open, of("sweep", 10), BUDGET, NOW).permit).toMatchObject({ calls: 10, left: 14 });
    const { state, permit } = acquire(open, of("verify", 25), BUDGET, NOW);
    expect(permit).toMatchObject({ granted: true, calls: 12, left: 0, fullMs: 6_000 });
    expect(acquire(state, of("verify", 25), BUDGET, NOW).permit).toEqual({
      ...{ granted: false, by: "budget" },
      waitMs: 6_000,
    });
    expect(acquire(state, of("interactive"), BUDGET, NOW).permit).toEqual(GRANTED);
  });

  it("GT1 are one while the gate wants to hear how it went, after a 429 and a failure, and for a repeated call", () => {
    const open = openGate(BUDGET, NOW);
    const failed = report(open, { outcome: "failed" }, NOW);
    expect(acquire(failed, of("sweep", 9), BUDGET, NOW).permit).toMatchObject({ calls: 1, report: true });
    const limited = report(open, { outcome: "rate_limited", retryAfterMs: 1_000 }, NOW);
    expect(acquire(limited, of("sweep", 9), BUDGET, NOW).permit).toMatchObject({ by: "rate_limit" });
    expect(acquire(limited, of("sweep", 9), BUDGET, NOW + 1_000).permit).toMatchObject({
      calls: 1,
      report: true,
    });
    expect(acquire(open, of("sweep", 9, true), BUDGET, NOW).permit).toMatchObject({ calls: 1 });
  });

  it("GT1 spent as late as they may be, no 60 seconds have more than perMinute calls", () => {
    const step = fc.record({
      passMs: fc.oneof(fc.nat(4_000), fc.integer({ min: 56_000, max: 64_000 })),
      calls: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
      lateMs: fc.nat(limits.permitMs),
      class: fc.constantFrom(...(Object.keys(RESERVES) as CallClass[])),
    });
    const budgets = fc.record({
      perMinute: fc.integer({ min: 1, max: 80 }),
      burst: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(budgets, fc.array(step, { maxLength: 80 }), (budget, steps) => {
        let now = NOW + 777;
        let state = openGate(budget, now);
        const out: number[] = [];
        for (const { passMs, calls, lateMs, class: callClass } of steps) {
          now += passMs;
          const asked = acquire(state, of(callClass, calls), budget, now);
          state = asked.state;
          if (!asked.permit.granted) continue;
          const late = calls === undefined ? 0 : lateMs;
          for (let n = 0; n < (asked.permit.calls ?? 1); n++) out.push(now + late);
        }
        out.sort((a, b) => a - b);
        out.forEach((at, i) => {
          const first = out[i - budget.perMinute];
          if (first !== undefined) expect(at - first).toBeGreaterThanOrEqual(60_000);
        });
      }),
      { numRuns: 500 },
    );
  });
});
