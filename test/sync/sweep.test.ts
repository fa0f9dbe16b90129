// A sweep's beginning, its watermark, and what keeps two of them apart.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { describeSwept } from "../../src/sync/sweep.ts";
import { MINUTE, OVERLAP, sweeping, through } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

describe("the first sweep", () => {
  it("SW1 pulls nothing and takes the upstream's clock as its watermark", async () => {
    const { sweep, upstream, cursors, written, clock, memory } = await sweeping();
    upstream.state.aheadMs = 90_000;
    for (const id of ["a", "b", "c"]) upstream.put(id, "a", START - MINUTE);
    upstream.put("d", "a", START + 200_000);
    clock.pass(1_234);
    const swept = await sweep();
    const watermark = START + 91_000;
    expect(swept).toEqual({ kind: "clients", pages: 1, seen: 0, drifted: 0, watermark, finished: true });
    expect(cursors.of()).toEqual({
      watermark,
      vouch: { asOf: START + 1_234, from: watermark },
      last: { at: START + 1_234, pages: 1, seen: 0, drifted: 0 },
    });
    expect([upstream.lists.length, written, await memory.records.counts(HERE)]).toEqual([1, [], {}]);
    expect(upstream.lists[0]?.since).toBe(START + 1_234);
  });

  it("SW1 asks no list for everything, whatever the cursors hold", async () => {
    const { sweep, upstream, clock } = await sweeping();
    for (let i = 0; i < 5; i++) {
      await sweep();
      clock.pass(15 * MINUTE);
    }
    expect(upstream.lists.map(({ since }) => since)).not.toContain(undefined);
  });

  it("SW1 an upstream that tells no time gets a baseline before any its clock may show", async () => {
    const { sweep, upstream } = await sweeping();
    upstream.state.dated = false;
    expect((await sweep()).watermark).toBe(START - limits.clockDoubtMs);
  });

  it("SW1 that fails takes no baseline", async () => {
    const { sweep, upstream, cursors } = await sweeping();
    upstream.failures.set("clients", { kind: "server_error", status: 500 });
    expect(await sweep()).toMatchObject({ finished: false, failure: { kind: "server_error" } });
    expect([cursors.of(), cursors.writes]).toEqual([{}, []]);
  });

  it("SW1 what changes from the baseline on is brought by the next sweep", async () => {
    const { sweep, upstream, clock, shown } = await sweeping();
    await sweep();
    clock.pass(1);
    upstream.put("new");
    clock.pass(15 * MINUTE);
    expect(await sweep()).toMatchObject({ finished: true, seen: 1, drifted: 1 });
    expect(await shown()).toEqual({ new: "a" });
  });
});

describe("the watermark", () => {
  it("SW2 a sweep asks from the watermark less the overlap, and ends at the clock of its first page", async () => {
    const { sweep, upstream, clock, cursors } = await sweeping();
    await sweep();
    clock.pass(15 * MINUTE);
    for (const id of ["a", "b", "c", "d", "e"]) upstream.put(id);
    upstream.state.before = () => void clock.pass(10_000);
    const swept = await sweep();
    expect(upstream.lists.slice(1).map(({ since }) => since)).toEqual(Array(3).fill(START - OVERLAP));
    expect(swept).toMatchObject({ pages: 3, watermark: START + 15 * MINUTE + 10_000, finished: true });
    expect(cursors.of().watermark).toBe(swept.watermark);
  });

  it("SW2 a change of while the pages are read is brought by the next sweep", async () => {
    const { sweep, upstream, clock, shown } = await sweeping();
    await sweep();
    clock.pass(15 * MINUTE);
    for (const id of ["a", "b", "c"]) upstream.put(id, "a", clock.now() - 3 * MINUTE);
    upstream.state.before = (_call, n) => {
      clock.pass(5_000);
      // Too late for the page that would have shown it: the list has been read to its end.
      if (n === 3) upstream.state.tamper = (page) => ({ ...page, snapshots: page.snapshots.slice(0, 1) });
      if (n === 3) upstream.put("late");
      return undefined;
    };
    await sweep();
    expect(Object.keys(await shown())).not.toContain("late");
    upstream.state.before = () => undefined;
    upstream.state.tamper = (page) => page;
    clock.pass(15 * MINUTE);
    await sweep();
    expect(await shown()).toMatchObject({ late: "a" });
  });

  it("SW2 a change the upstream shows late, stamped just before the watermark, is not passed over", async () => {
    const { sweep, upstream, clock, shown } = await sweeping();
    await sweep();
    clock.pass(15 * MINUTE);
    const stamped = upstream.upstreamNow() - 5_000;
    await sweep();
    upstream.put("lagged", "a", stamped);
    clock.pass(15 * MINUTE);
    await sweep();
    expect(await shown()).toEqual({ lagged: "a" });
  });

  it.each([-10, 10])(
    "SW2 our own clock %i minutes off makes no difference to what is asked and kept",
    async (minutes) => {
      const ask = async (aheadMs: number) => {
        const { sweep, upstream, clock, cursors, shown } = await sweeping();
        // The upstream's time is the same in both worlds; only ours differs.
        upstream.state.aheadMs = aheadMs;
        clock.pass(-aheadMs);
        await sweep();
        clock.pass(15 * MINUTE);
        for (const id of ["a", "b", "c"]) upstream.put(id);
        await sweep();
        const asked = upstream.lists.slice(1).map(({ since }) => since);
        return { asked, watermark: cursors.of().watermark, shown: await shown() };
      };
      const right = await ask(0);
      expect(right.shown).toEqual({ a: "a", b: "a", c: "a" });
      expect(await ask(minutes * MINUTE)).toEqual(right);
    },
  );
});

describe("one at a time", () => {
  it("SW4 a second sweep of a kind says that one is under way and asks nothing", async () => {
    const world = await sweeping();
    const { sweep, upstream, clock, cursors } = world;
    await sweep();
    clock.pass(15 * MINUTE);
    upstream.put("a");
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
    const slow = sweep("clients", {
      listThrough: through(async (...asked) => {
        await held;
        return upstream.listChanged(...asked);
      }),
    });
    const second = await sweep();
    expect(second).toMatchObject({ busy: true, finished: false, watermark: START, pages: 0 });
    expect(describeSwept(second)).toBe("another sweep of this kind is under way");
    expect(upstream.lists).toHaveLength(1);
    expect((await sweep("staff")).finished).toBe(true);
    goOn();
    expect((await slow).finished).toBe(true);
    expect((await sweep()).busy).toBeUndefined();
    expect(cursors.of().run).toBeUndefined();
  });

  it("SW4 the lease is renewed with every page, and is free again after a failure and after a throw", async () => {
    const { sweep, upstream, clock, gate } = await sweeping();
    await sweep();
    clock.pass(15 * MINUTE);
    for (let i = 0; i < 12; i++) upstream.put(`c${i}`);
    const free: boolean[] = [];
    upstream.state.before = () => {
      const held = gate.leases.get("sweep/clients");
      free.push(held === undefined || held.until <= clock.now());
      clock.pass(limits.sweepLeaseMs - 1);
      return undefined;
    };
    expect(await sweep()).toMatchObject({ finished: true, pages: 6 });
    expect(free).toEqual(Array(6).fill(false));
    expect(gate.leases.size).toBe(0);
    upstream.failures.set("clients", { kind: "paused" });
    await sweep();
    expect(gate.leases.size).toBe(0);
    const dying = sweep("clients", {
      listThrough: through(() => Promise.reject(new Error("out of memory"))),
    });
    await expect(dying).rejects.toThrow("out of memory");
    expect(gate.leases.size).toBe(0);
  });

  it("SW4 a lease left behind by one that died ends by itself", async () => {
    const { sweep, gate, clock } = await sweeping();
    await gate.lease("sweep/clients", "dead", limits.sweepLeaseMs);
    expect((await sweep()).busy).toBe(true);
    clock.pass(limits.sweepLeaseMs);
    expect((await sweep()).finished).toBe(true);
  });

  it("SW4 a cursor read late only repeats work", async () => {
    const { sweep, upstream, clock, cursors, shown, written } = await sweeping();
    await sweep();
    const old = cursors.of();
    clock.pass(MINUTE);
    upstream.put("a");
    await sweep();
    const done = written.length;
    clock.pass(MINUTE);
    upstream.put("b");
    cursors.answerStale(old);
    expect(await sweep()).toMatchObject({ finished: true, seen: 2, drifted: 1 });
    expect(upstream.lists.at(-1)?.since).toBe(START - OVERLAP);
    expect(written.slice(done)).toEqual(["offer clients/b"]);
    expect([await shown(), cursors.of().watermark]).toEqual([{ a: "a", b: "a" }, START + 2 * MINUTE]);
  });

  it("SW4 a cursor not yet seen at all makes a second baseline, and the overlap covers what lay between", async () => {
    const { sweep, upstream, clock, cursors, shown } = await sweeping();
    await sweep();
    clock.pass(30_000);
    upstream.put("between");
    clock.pass(30_000);
    cursors.answerStale({});
    await sweep();
    clock.pass(15 * MINUTE);
    await sweep();
    expect(await shown()).toEqual({ between: "a" });
  });
});
