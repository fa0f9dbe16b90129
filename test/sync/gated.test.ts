// Every call through the gate: asked for, made, and reported on.

import { describe, expect, it } from "vitest";
import type { Failure, Result } from "../../src/core/failure.ts";
import type { CallReport, Permit } from "../../src/core/gate.ts";
import { limits } from "../../src/core/limits.ts";
import type { UpstreamAnswer } from "../../src/sources/source.ts";
import { throughGate } from "../../src/sync/gated.ts";
import { handClock, START } from "./world.ts";

const GRANTED: Permit = { granted: true, report: false };
const GET = { method: "GET", target: "/clients/1" } as const;
const answer = (more: Partial<UpstreamAnswer> = {}): Result<UpstreamAnswer> => ({
  ok: true,
  value: { status: 200, startedAt: START, ...more },
});

/** A gate that answers from a list, and a world that only moves when it is slept through. */
function setUp(permits: readonly Permit[], reply: Result<UpstreamAnswer> = answer()) {
  const clock = handClock();
  const asks: unknown[] = [];
  const reports: CallReport[] = [];
  const slept: number[] = [];
  let calls = 0;
  let rejections = 0;
  const gate = {
    acquire: async (ask: unknown) => {
      asks.push(ask);
      return permits[Math.min(asks.length, permits.length) - 1] ?? GRANTED;
    },
    report: async (call: CallReport) => void reports.push(call),
    resume: async () => {},
    clear: async () => {},
    lease: async () => true,
    release: async () => {},
  };
  const send = throughGate(
    {
      gate,
      sleep: async (ms) => {
        slept.push(ms);
        clock.pass(ms);
      },
      onKeyRejected: async () => void rejections++,
    },
    async () => {
      calls++;
      return reply;
    },
    { class: "sweep", retry: true },
  );
  return { send: () => send(GET), asks, reports, slept, calls: () => calls, rejections: () => rejections };
}

describe("asking", () => {
  it("GT1 no call goes out without a permit, asked for in its own class", async () => {
    const { send, asks, calls } = setUp([GRANTED]);
    expect(await send()).toEqual(answer());
    expect(asks).toEqual([{ class: "sweep", retry: true }]);
    expect(calls()).toBe(1);
  });

  it("GT1 a short wait for budget is slept out, then asked again", async () => {
    const wait: Permit = { granted: false, by: "budget", waitMs: 700 };
    const { send, slept, calls } = setUp([wait, wait, GRANTED]);
    expect((await send()).ok).toBe(true);
    expect(slept).toEqual([700, 700]);
    expect(calls()).toBe(1);
  });

  it("GT1 a wait that would take too long in sum goes back to the caller", async () => {
    const wait: Permit = { granted: false, by: "budget", waitMs: 700 };
    const { send, slept, calls } = setUp([wait]);
    expect(await send()).toEqual({ ok: false, failure: { kind: "held", by: "budget", waitMs: 700 } });
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(limits.gateWaitMs);
    expect(calls()).toBe(0);
  });

  it("GT1 a closed gate is not waited for here", async () => {
    const refusals: readonly (readonly [Permit, Failure])[] = [
      [
        { granted: false, by: "breaker", waitMs: 5 },
        { kind: "held", by: "breaker", waitMs: 5 },
      ],
      [
        { granted: false, by: "rate_limit", waitMs: 5 },
        { kind: "held", by: "rate_limit", waitMs: 5 },
      ],
      [{ granted: false, by: "paused" }, { kind: "paused" }],
      [
        { granted: false, by: "budget", waitMs: limits.gateWaitMs + 1 },
        { kind: "held", by: "budget", waitMs: limits.gateWaitMs + 1 },
      ],
    ];
    for (const [permit, failure] of refusals) {
      const { send, slept, calls, reports } = setUp([permit]);
      expect(await send()).toEqual({ ok: false, failure });
      expect([slept, calls(), reports]).toEqual([[], 0, []]);
    }
  });
});

describe("a pause", () => {
  it("WR8 is told again by whoever meets it: who was told first may have died before it was kept", async () => {
    const { send, rejections, calls } = setUp([{ granted: false, by: "paused" }]);
    expect(await send()).toEqual({ ok: false, failure: { kind: "paused" } });
    expect([calls(), rejections()]).toEqual([0, 1]);
  });
});

describe("reporting", () => {
  const failed = (failure: Failure) => ({ ok: false, failure }) as const;
  const table: readonly (readonly [string, Result<UpstreamAnswer>, readonly CallReport[]])[] = [
    ["success", answer(), []],
    ["a 404", answer({ status: 404 }), []],
    ["a refusal", failed({ kind: "refused", status: 422 }), []],
    ["a 403", failed({ kind: "forbidden" }), []],
    ["an answer not understood", failed({ kind: "bad_answer", why: "shape" }), []],
    ["a 503", failed({ kind: "server_error", status: 503 }), [{ outcome: "failed" }]],
    ["no answer", failed({ kind: "unreachable", why: "timeout" }), [{ outcome: "failed" }]],
    ["a 429", failed({ kind: "rate_limited" }), [{ outcome: "rate_limited" }]],
    [
      "a 429 with a time",
      failed({ kind: "rate_limited", retryAfterMs: 9 }),
      [{ outcome: "rate_limited", retryAfterMs: 9 }],
    ],
    ["an allowance used up", answer({ holdMs: 7 }), [{ outcome: "rate_limited", retryAfterMs: 7 }]],
    ["a 401", failed({ kind: "key_rejected" }), [{ outcome: "key_rejected" }]],
  ];

  it.each(table)("GT1 the gate hears of %s what it must", async (_what, reply, told) => {
    const { send, reports } = setUp([GRANTED], reply);
    expect(await send()).toEqual(reply);
    expect(reports).toEqual(told);
  });

  it("GT1 the gate hears of success where it asked to", async () => {
    const { send, reports } = setUp([{ granted: true, report: true }]);
    await send();
    expect(reports).toEqual([{ outcome: "ok" }]);
  });

  it("WR8 a rejected key is told to the connection, once for the call, and nothing else is", async () => {
    const rejected = setUp([GRANTED], failed({ kind: "key_rejected" }));
    await rejected.send();
    expect(rejected.rejections()).toBe(1);
    const other = setUp([GRANTED], failed({ kind: "forbidden" }));
    await other.send();
    expect(other.rejections()).toBe(0);
  });
});
