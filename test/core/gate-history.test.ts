// What the gate guarantees over any history of asks, reports and time.

import fc from "fast-check";
import { expect, it } from "vitest";
import {
  acquire,
  type CallClass,
  type CallReport,
  type GateBudget,
  type GateState,
  openGate,
  type Permit,
  RESERVES,
  report,
} from "../../src/core/gate.ts";
import { limits } from "../../src/core/limits.ts";

const classes = Object.keys(RESERVES) as CallClass[];

type Move =
  | { readonly do: "ask"; readonly class: CallClass; readonly retry: boolean; readonly times: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "report"; readonly call: CallReport };

const call: fc.Arbitrary<CallReport> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<CallReport>({ outcome: "ok" }) },
  { weight: 3, arbitrary: fc.constant<CallReport>({ outcome: "failed" }) },
  {
    weight: 1,
    arbitrary: fc.nat(20_000).map((retryAfterMs): CallReport => ({ outcome: "rate_limited", retryAfterMs })),
  },
);

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      class: fc.constantFrom(...classes),
      retry: fc.boolean(),
      times: fc.integer({ min: 1, max: 40 }),
    }),
  },
  // Around the minute's edge, where counting by the second could let a call too many through.
  { weight: 2, arbitrary: fc.integer({ min: 57_000, max: 61_000 }).map((ms): Move => ({ do: "pass", ms })) },
  { weight: 4, arbitrary: fc.nat(20_000).map((ms): Move => ({ do: "pass", ms })) },
  { weight: 1, arbitrary: call.map((one): Move => ({ do: "report", call: one })) },
);

const budget: fc.Arbitrary<GateBudget> = fc.record({
  perMinute: fc.integer({ min: 1, max: 200 }),
  burst: fc.integer({ min: 1, max: 60 }),
});

interface Asked {
  readonly at: number;
  readonly class: CallClass;
  readonly retry: boolean;
  readonly before: GateState;
  readonly permit: Permit;
}

function play(own: GateBudget, moves: readonly Move[]): readonly Asked[] {
  let now = 1_000_000_777;
  let state = openGate(own, now);
  const asked: Asked[] = [];
  for (const one of moves) {
    if (one.do === "pass") now += one.ms;
    else if (one.do === "report") state = report(state, one.call, now);
    else {
      for (let i = 0; i < one.times; i++) {
        const before = state;
        const answer = acquire(state, one, own, now);
        state = answer.state;
        asked.push({ at: now, class: one.class, retry: one.retry, before, permit: answer.permit });
      }
    }
  }
  return asked;
}

function always(property: (own: GateBudget, asked: readonly Asked[]) => void): void {
  fc.assert(
    fc.property(budget, fc.array(move, { maxLength: 60 }), (own, moves) => property(own, play(own, moves))),
    { numRuns: 300 },
  );
}

const granted = (asked: readonly Asked[]) => asked.filter(({ permit }) => permit.granted);

it("GT1 in any 60 seconds at most perMinute calls are granted", () => {
  always(({ perMinute }, asked) => {
    const at = granted(asked).map((one) => one.at);
    // The call that would be one too many comes a whole minute after the first of those before it.
    at.forEach((later, i) => {
      const first = at[i - perMinute];
      if (first !== undefined) expect(later - first).toBeGreaterThanOrEqual(60_000);
    });
  });
});

it("GT1 no class ever takes from the reserve of a more urgent one", () => {
  always(({ perMinute, burst }, asked) => {
    for (const one of granted(asked)) {
      const reserve = Math.floor(RESERVES[one.class] * burst);
      const inLastMinute = granted(asked).filter(({ at }) => at > one.at - 60_000 && at <= one.at);
      const before = inLastMinute.indexOf(one);
      // A reserve as large as the whole allowance leaves the class the first call of a quiet minute.
      if (before > 0) expect(perMinute - before).toBeGreaterThan(Math.min(reserve, perMinute - 1));
      expect(one.before.tokens + ((one.at - one.before.refilledAt) * perMinute) / 60_000).toBeGreaterThan(
        Math.min(reserve, burst - 1),
      );
    }
  });
});

it("GT1 whatever is refused names a wait after which it is worth asking, and never one without end", () => {
  always((_own, asked) => {
    for (const { permit } of asked) {
      if (permit.granted || permit.by === "paused") continue;
      expect(permit.waitMs).toBeGreaterThan(0);
      expect(permit.waitMs).toBeLessThanOrEqual(limits.breakerOpenMaxMs * 10);
    }
  });
});

it("WR8 retries stay within a tenth of the calls, a trickle and a reserve", () => {
  always((_own, asked) => {
    const all = granted(asked);
    const minutes = ((all.at(-1)?.at ?? 0) - (all[0]?.at ?? 0)) / 60_000;
    const probes = all.filter(({ before }) => before.openUntil > 0).length;
    const retries = all.filter(({ retry }) => retry).length;
    const allowed = limits.retryReserve + limits.retriesPerMinute * minutes + limits.retryShare * all.length;
    expect(retries - probes).toBeLessThanOrEqual(allowed + 1e-6);
  });
});

it("GT1 while the breaker is open at most one call is under way", () => {
  always((_own, asked) => {
    for (const one of granted(asked)) {
      if (one.before.openUntil === 0) continue;
      expect(one.at).toBeGreaterThanOrEqual(one.before.openUntil);
      expect(one.at).toBeGreaterThanOrEqual(one.before.probeUntil);
    }
  });
});

it("GT1 a clock that jumps about breaks nothing: never more than perMinute by its own count, never more than a burst at once", () => {
  fc.assert(
    fc.property(
      budget,
      fc.array(fc.tuple(fc.integer({ min: -50_000, max: 50_000 }), fc.integer({ min: 1, max: 40 }))),
      (own, jumps) => {
        let now = 1_000_000_000;
        let state = openGate(own, now);
        for (const [ms, times] of jumps) {
          now += ms;
          let grants = 0;
          for (let i = 0; i < times; i++) {
            const answer = acquire(state, { class: "interactive", retry: false }, own, now);
            state = answer.state;
            if (answer.permit.granted) grants++;
          }
          expect(grants).toBeLessThanOrEqual(own.burst);
          expect(state.tokens).toBeGreaterThanOrEqual(0);
          expect(state.granted.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(own.perMinute);
        }
      },
    ),
  );
});
