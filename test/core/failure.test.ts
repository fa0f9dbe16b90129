// What becomes of a message whose fetch failed.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterFailure, describeFailure, type Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";

const bad = (["redirect", "not_json", "too_large", "shape", "foreign_url"] as const).map(
  (why): Failure => ({ kind: "bad_answer", why }),
);
const RETRIED: readonly Failure[] = [
  { kind: "unreachable", why: "network" },
  { kind: "unreachable", why: "timeout" },
  { kind: "server_error", status: 503 },
  { kind: "rate_limited" },
  { kind: "rate_limited", retryAfterMs: 5_000 },
  { kind: "held", by: "budget", waitMs: 3_000 },
  { kind: "held", by: "breaker", waitMs: 3_000 },
  { kind: "held", by: "rate_limit", waitMs: 3_000 },
  { kind: "interrupted" },
  ...bad,
];
const PARKED: readonly Failure[] = [
  { kind: "key_rejected" },
  { kind: "paused" },
  { kind: "forbidden" },
  { kind: "refused", status: 422 },
];

/** The platform takes no longer delay than this. */
const PLATFORM_MAX_DELAY_SECONDS = 43_200;

const failure: fc.Arbitrary<Failure> = fc.oneof(
  fc.constantFrom(...RETRIED, ...PARKED),
  fc.nat(4_000_000_000).map((retryAfterMs): Failure => ({ kind: "rate_limited", retryAfterMs })),
  fc.nat(limits.rateLimitPauseMaxMs).map((waitMs): Failure => ({ kind: "held", by: "rate_limit", waitMs })),
);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function delay(of: Failure, attempts: number, chance: number): number {
  const after = afterFailure(of, attempts, chance);
  if (after.result === "park") throw new Error("it is retried");
  return after.delaySeconds;
}

describe("retry or park", () => {
  it.each(RETRIED.map((one) => [JSON.stringify(one), one] as const))(
    "WR8 %s is retried at first",
    (_text, one) => {
      expect(afterFailure(one, 1, 0).result).toBe("retry");
    },
  );

  it.each(PARKED.map((one) => [JSON.stringify(one), one] as const))(
    "WR8 %s is parked at once, with its reason",
    (_text, one) => {
      expect(afterFailure(one, 1, 0)).toEqual({ result: "park", reason: describeFailure(one) });
    },
  );

  it("WR8 an answer that is not understood is retried three times, then parked", () => {
    for (const one of bad) {
      expect([1, 2, 3, 4].map((attempts) => afterFailure(one, attempts, 0).result)).toEqual([
        "retry",
        "retry",
        "retry",
        "park",
      ]);
    }
  });

  it("WR8 everything is parked before the platform would drop it, and outages outlast a bad night until then", () => {
    for (const one of [...RETRIED, ...PARKED])
      expect(afterFailure(one, limits.attemptsBeforePark, 0).result).toBe("park");
    expect(afterFailure({ kind: "server_error", status: 500 }, limits.attemptsBeforePark - 1, 0).result).toBe(
      "retry",
    );
    const attempts = Array.from({ length: limits.attemptsBeforePark - 1 }, (_, i) => i + 1);
    const seconds = attempts.reduce((sum, i) => sum + delay({ kind: "interrupted" }, i, 0), 0);
    expect(seconds / 3_600).toBeGreaterThan(10);
  });
});

describe("delays", () => {
  it("WR8 backing off doubles from 2 s up to a cap, with the upper half left to chance", () => {
    const one: Failure = { kind: "unreachable", why: "network" };
    expect([1, 2, 3, 4].map((attempts) => delay(one, attempts, 0))).toEqual([1, 2, 4, 8]);
    expect([1, 2, 3, 4].map((attempts) => delay(one, attempts, 0.999))).toEqual([2, 4, 8, 16]);
    expect(delay(one, 60, 0)).toBe(limits.retryCapSeconds / 2);
    expect(delay(one, 60, 0.999)).toBe(limits.retryCapSeconds);
  });

  it("WR8 a retry never comes before Retry-After, and little later", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: limits.rateLimitPauseMaxMs }),
        random,
        (retryAfterMs, chance) => {
          const seconds = delay({ kind: "rate_limited", retryAfterMs }, 1, chance);
          expect(seconds).toBeGreaterThanOrEqual(retryAfterMs / 1_000);
          expect(seconds).toBeLessThanOrEqual(Math.ceil((retryAfterMs / 1_000) * 1.25));
        },
      ),
    );
  });

  it("WR8 a 429 that names no time is waited for as long as the gate pauses", () => {
    expect(delay({ kind: "rate_limited" }, 1, 0)).toBe(limits.rateLimitPauseMs / 1_000);
  });

  it("WR8 a call held back waits as long as the gate says, and longer each time it is held again", () => {
    expect(delay({ kind: "held", by: "breaker", waitMs: 60_000 }, 1, 0)).toBe(60);
    expect(delay({ kind: "held", by: "budget", waitMs: 10 }, 7, 0)).toBe(7);
    expect(delay({ kind: "held", by: "budget", waitMs: 10 }, 80, 0)).toBe(640);
  });

  it("WR8 waiting for an allowance is never given up within five hours", () => {
    for (const one of [
      { kind: "held", by: "budget", waitMs: 10 },
      { kind: "rate_limited", retryAfterMs: 1_000 },
    ] as const) {
      const attempts = Array.from({ length: limits.attemptsBeforePark - 1 }, (_, i) => i + 1);
      const seconds = attempts.reduce((sum, i) => sum + delay(one, i, 0), 0);
      expect(seconds / 3_600).toBeGreaterThan(5);
    }
  });

  it("WR8 a retry is never at once: attempts would be used up within the outage they are for", () => {
    expect(delay({ kind: "rate_limited", retryAfterMs: 0 }, 1, 0)).toBeGreaterThanOrEqual(1);
    always((seconds) => seconds >= 1);
  });

  it("WR8 no delay is longer than the queue takes, whatever Retry-After says", () => {
    const days = { kind: "rate_limited", retryAfterMs: 30 * 86_400_000 } as const;
    expect(delay(days, 1, 0.5)).toBeLessThanOrEqual(PLATFORM_MAX_DELAY_SECONDS);
    always((seconds) => Number.isInteger(seconds) && seconds <= PLATFORM_MAX_DELAY_SECONDS);
  });

  function always(holds: (delaySeconds: number) => boolean): void {
    const attempts = fc.integer({ min: 1, max: limits.attemptsBeforePark - 1 });
    fc.assert(
      fc.property(failure, attempts, random, (one, count, chance) => {
        const after = afterFailure(one, count, chance);
        return after.result === "park" || holds(after.delaySeconds);
      }),
    );
  }
});

it("PR1 a reason says what failed in words of ours, and a status at most", () => {
  const reasons = [...RETRIED, ...PARKED].map(describeFailure);
  expect(reasons.every((reason) => /^[a-z][\w ():'0-9]+$/i.test(reason))).toBe(true);
  expect(describeFailure({ kind: "server_error", status: 503 })).toContain("503");
  expect(describeFailure({ kind: "key_rejected" })).toContain("401");
});
