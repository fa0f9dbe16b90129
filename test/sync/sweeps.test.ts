// Which kinds a run takes, in which order, when each is due, and what becomes of a run that could not finish.

import { describe, expect, it } from "vitest";
import type { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Source } from "../../src/sources/source.ts";
import { sweptKinds } from "../../src/sync/sweep.ts";
import { dueSweeps, nextRuns, type SweptAny } from "../../src/sync/sweeps.ts";
import { kvCursors } from "./memory-cursors.ts";
import { MINUTE, sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const SWEPT = ["organizations", "staff", "clients", "assessment-status"] as const;

describe("a run", () => {
  it("SW1 takes every kind that can be fetched, parents first; reminders are never swept", async () => {
    expect(sweptKinds(rcms)).toEqual(SWEPT);
    const { run, upstream } = await sweeping();
    const results = await run([...SWEPT, "verify"]);
    expect(results.map(({ kind }) => kind)).toEqual([...SWEPT, "verify"]);
    expect(upstream.lists.map(({ kind }) => kind)).toEqual(["organizations", "staff", "clients"]);
    expect(results.every(({ finished }) => finished)).toBe(true);
  });

  it("SW4 takes and keeps each lease in the calls that ask for permits, and gives back the one before it", async () => {
    const { run, gate, deps, upstream, mirrored, clock } = await sweeping();
    await run(["organizations", "clients"]);
    clock.pass(15 * MINUTE);
    for (const id of ["a", "b", "c"]) {
      upstream.put(id);
      upstream.put(id, "scored", undefined, "assessment-status");
      await mirrored(id, "a", START);
    }
    const calls: string[] = [];
    const watched: typeof deps.gate = {
      ...gate,
      acquire: (ask, under) => {
        calls.push(`${under?.name} for ${under?.instead?.name}`);
        return gate.acquire(ask, under);
      },
      release: (name, holder) => {
        calls.push(`no more ${name}`);
        return gate.release(name, holder);
      },
    };
    Object.assign(deps, { gate: watched });
    await run(["organizations", "clients", "assessment-status", "verify"]);
    expect(calls).toEqual([
      "sweep/organizations for undefined",
      // Three records are two pages.
      "sweep/clients for sweep/organizations",
      "sweep/clients for undefined",
      "sweep/assessment-status for sweep/clients",
      "sweep/verify for sweep/assessment-status",
      "no more sweep/verify",
    ]);
    expect(gate.leases.size).toBe(0);
  });

  it("SW3 a failure of one kind leaves the others their turn", async () => {
    const { run, upstream } = await sweeping();
    upstream.failures.set("organizations", { kind: "forbidden" });
    const results = await run(["organizations", "staff", "clients"]);
    expect(results.map(({ finished }) => finished)).toEqual([false, true, true]);
  });

  it("SW3 a kind whose cursor cannot be read leaves the others their turn, too", async () => {
    const { run, cursors, deps, upstream } = await sweeping();
    const read: typeof cursors.read = (connection, name) =>
      name === "staff" ? Promise.reject(new Error("not a cursor")) : cursors.read(connection, name);
    Object.assign(deps, { cursors: { ...cursors, read } });
    await run(["organizations", "staff", "clients"]).catch(() => {});
    expect(upstream.lists.map(({ kind }) => kind)).toContain("clients");
  });
});

describe("what is due", () => {
  const due = async (
    lasts: Readonly<Record<string, number>>,
    intervalMinutes = 15,
    source: Source = rcms,
  ) => {
    const cursors = kvCursors();
    for (const kind of SWEPT) {
      const at = lasts[kind];
      if (at !== undefined)
        await cursors.put({ watermark: 1, last: { at, pages: 1, seen: 0, drifted: 0 } }, kind);
    }
    return dueSweeps({ source, now: () => START, cursors, intervalMinutes }, { id: HERE });
  };
  const every = (at: number) => Object.fromEntries(SWEPT.map((kind) => [kind, at]));

  it("SW2 what was never swept is due, and the verifier at every tick", async () => {
    expect(await due({})).toEqual([...SWEPT, "verify"]);
    expect(await due(every(START))).toEqual(["verify"]);
  });

  it("SW2 at an interval of one tick every kind is due at every tick, even one that came a little early", async () => {
    expect(await due(every(START - 15 * MINUTE))).toEqual([...SWEPT, "verify"]);
    expect(await due(every(START - 14 * MINUTE))).toEqual([...SWEPT, "verify"]);
  });

  it("SW2 at a longer interval a kind is due when the next tick would be too late", async () => {
    expect(await due(every(START - 45 * MINUTE), 60)).toEqual(["verify"]);
    expect(await due(every(START - 45 * MINUTE - 1), 60)).toEqual([...SWEPT, "verify"]);
  });

  it("SW2 a kind's own interval goes before the environment's", async () => {
    const staff = { ...rcms.kinds.staff, upkeep: { sweepEveryMinutes: 24 * 60 } };
    const source = { ...rcms, kinds: { ...rcms.kinds, staff } };
    expect(await due(every(START - 60 * MINUTE), 15, source)).toEqual([
      "organizations",
      "clients",
      "assessment-status",
      "verify",
    ]);
    expect(await due(every(START - 24 * 60 * MINUTE), 15, source)).toContain("staff");
  });

  it("SW3 a sweep that began and did not finish stays due", async () => {
    const { sweep, clock, cursors, deps, connection, upstream } = await sweeping();
    await sweep();
    for (let i = 0; i < 6; i++) upstream.put(`c${i}`);
    clock.pass(15 * MINUTE);
    await sweep("clients", { pagesPerRun: 1 });
    expect(cursors.of().run).toBeDefined();
    expect(await dueSweeps({ ...deps, intervalMinutes: 15 }, connection)).toContain("clients");
  });
});

const DOWN: Failure = { kind: "server_error", status: 503 };
const HELD: Failure = { kind: "held", by: "budget", waitMs: 8_000 };

const swept = (more: Partial<SweptAny>): SweptAny => ({
  kind: "clients",
  pages: 0,
  seen: 0,
  drifted: 0,
  watermark: START,
  finished: false,
  ...more,
});
const next = (results: readonly Partial<SweptAny>[], failures = 0) =>
  nextRuns(results.map(swept), failures, 0);

describe("a run that did not finish", () => {
  it("SW3 at its bound goes on at once, and only with what is unfinished", () => {
    const results = [{ kind: "staff", finished: true } as const, { pages: 50, seen: 900 }];
    expect(next(results)).toEqual([{ kinds: ["clients"], delaySeconds: 0, failures: 0 }]);
  });

  it("SW3 held back after it got somewhere goes on when there is budget again", () => {
    expect(next([{ pages: 3, seen: 300, failure: HELD }], 3)).toEqual([
      { kinds: ["clients"], delaySeconds: limits.sweepPauseSeconds, failures: 0 },
    ]);
  });

  it("SW3 held back before it got anywhere is tried again when the gate says so", () => {
    expect(next([{ failure: HELD }])).toEqual([{ kinds: ["clients"], delaySeconds: 8, failures: 1 }]);
  });

  it("SW3 failing is tried again a few times, later each time, then let go: the next tick goes on", () => {
    const delays: number[] = [];
    for (let failures = 0; failures < limits.sweepAttempts - 1; failures++) {
      const [run] = next([{ failure: DOWN }], failures);
      expect(run).toMatchObject({ kinds: ["clients"], failures: failures + 1 });
      delays.push(run?.delaySeconds ?? 0);
    }
    expect(delays).toEqual([1, 2, 4, 8]);
    expect(next([{ failure: DOWN }], limits.sweepAttempts - 1)).toEqual([]);
  });

  it.each(["key_rejected", "paused", "forbidden"] as const)(
    "SW3 %s is not tried again, and never parked: the next tick asks again",
    (kind) => {
      expect(next([{ failure: { kind } }])).toEqual([]);
    },
  );

  it("SW8 stopped at something strange, or met another sweep: it is over until the next tick", () => {
    const results = [
      { strange: "a page came twice", pages: 2, seen: 4 },
      { kind: "staff", busy: true } as const,
    ];
    expect(next(results)).toEqual([]);
  });

  it("SW3 one kind's failure keeps no other from going on, and repeats none that is finished", () => {
    const results = [
      { kind: "organizations", finished: true },
      { kind: "staff", failure: DOWN },
      { pages: 50, seen: 900 },
      { kind: "verify", seen: 10, failure: HELD },
    ] as const;
    expect(next(results)).toEqual([
      { kinds: ["clients"], delaySeconds: 0, failures: 0 },
      { kinds: ["verify"], delaySeconds: limits.sweepPauseSeconds, failures: 0 },
      { kinds: ["staff"], delaySeconds: 1, failures: 1 },
    ]);
  });

  it("SW3 all finished: nothing is left to do", () => {
    expect(next([{ finished: true }, { kind: "verify", finished: true }])).toEqual([]);
  });
});
