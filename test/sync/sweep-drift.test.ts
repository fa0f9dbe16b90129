// What a sweep writes and counts: nothing where nothing drifted, each drift by its cause where it did.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { idOf } from "../core/samples.ts";
import { MINUTE, type Sweeping, sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const none = { missed: 0, late: 0, rewritten: 0, deleted: 0 };

/** A quarter of an hour after the baseline. */
async function later(): Promise<Sweeping> {
  const world = await sweeping();
  await world.sweep();
  world.clock.pass(15 * MINUTE);
  return world;
}

describe("no drift", () => {
  it("SW6 a page that shows what the mirror holds calls no writer, counts nothing and writes no row", async () => {
    const { upstream, mirrored, clock, deps, sweep, written, memory, sent, drift } = await later();
    for (const id of ["a", "b", "c", "d", "e"]) {
      upstream.put(id, "a", clock.now() - MINUTE);
      await mirrored(id, "a", clock.now() - MINUTE);
    }
    clock.pass(1_000);
    const before = memory.records.all(HERE);
    const queries: number[] = [];
    const records = {
      ...deps.records,
      versions: (...asked: Parameters<typeof deps.records.versions>) => {
        queries.push(asked[1].length);
        return deps.records.versions(...asked);
      },
    };
    const writers = { ...deps.writers, offer: () => Promise.reject(new Error("nothing to write")) };
    expect(await sweep("clients", { records, writers })).toMatchObject({
      finished: true,
      seen: 5,
      drifted: 0,
    });
    expect(queries).toEqual([2, 2, 1]);
    expect([written, sent, await drift()]).toEqual([[], [], none]);
    expect(memory.records.all(HERE)).toEqual(before);
  });

  it("SW6 an empty sweep asks the mirror nothing", async () => {
    const { sweep, deps } = await later();
    const records = { ...deps.records, versions: () => Promise.reject(new Error("nothing to compare")) };
    expect(await sweep("clients", { records })).toMatchObject({ finished: true, pages: 1, seen: 0 });
  });

  it("SW6 of a page only what differs goes to a writer", async () => {
    const { upstream, mirrored, clock, sweep, written } = await later();
    for (const id of ["same", "other"]) {
      upstream.put(id, "a", clock.now() - MINUTE);
      await mirrored(id, id === "same" ? "a" : "b", clock.now() - MINUTE);
    }
    clock.pass(1_000);
    expect(await sweep()).toMatchObject({ seen: 2, drifted: 1 });
    expect(written).toEqual(["offer clients/other"]);
  });

  it("SW6 what a writer finds older or the same after all is no drift", async () => {
    const { upstream, mirrored, clock, sweep, drift, shown } = await later();
    upstream.put("x", "behind", clock.now() - MINUTE);
    await mirrored("x", "ahead", clock.now());
    expect(await sweep()).toMatchObject({ finished: true, drifted: 0 });
    expect([await drift(), await shown()]).toEqual([none, { x: "ahead" }]);
  });
});

describe("drift by cause", () => {
  it("SW10 no webhook in time is missed, a webhook still due is late", async () => {
    const { upstream, clock, sweep, drift } = await later();
    upstream.put("due", "a", upstream.upstreamNow() - limits.webhookDueMs + 1_000);
    upstream.put("overdue", "a", upstream.upstreamNow() - limits.webhookDueMs);
    upstream.put("long", "a", upstream.upstreamNow() - 10 * MINUTE);
    clock.pass(1);
    await sweep();
    expect(await drift()).toEqual({ ...none, missed: 2, late: 1 });
  });

  it("SW10 it is the upstream's clock that says whether a webhook is due", async () => {
    const { upstream, sweep, drift, clock } = await later();
    upstream.state.aheadMs = -10 * MINUTE;
    upstream.put("due", "a", upstream.upstreamNow() - MINUTE);
    clock.pass(1);
    await sweep();
    expect(await drift()).toEqual({ ...none, late: 1 });
  });

  it("SW10 an upstream without a clock and a record without an instant count as missed", async () => {
    const { upstream, sweep, drift } = await later();
    upstream.state.dated = false;
    upstream.put("x", "a", START + 5 * MINUTE);
    await sweep();
    expect(await drift()).toEqual({ ...none, missed: 1 });
  });

  it("SW10 other content under the same instant is rewritten", async () => {
    const { upstream, mirrored, clock, sweep, drift } = await later();
    upstream.put("x", "second", clock.now() - 5 * MINUTE);
    await mirrored("x", "first", clock.now() - 5 * MINUTE);
    clock.pass(1);
    await sweep();
    expect(await drift()).toEqual({ ...none, rewritten: 1 });
  });

  it("SW10 counts add up over sweeps, kind by kind, and each drift is counted once", async () => {
    const { upstream, clock, sweep, drift } = await later();
    for (let round = 0; round < 3; round++) {
      upstream.put("x", `v${round}`);
      upstream.put("person", `v${round}`, clock.now(), "staff");
      clock.pass(3 * MINUTE);
      await sweep();
      await sweep();
    }
    await sweep("staff");
    expect(await drift()).toEqual({ ...none, missed: 3 });
    expect(await drift("staff")).toEqual(none);
  });

  it("SW10 a step back in time is not written but looked at again when a second look may count", async () => {
    const { upstream, mirrored, clock, sweep, drift, sent, shown } = await later();
    await mirrored("x", "ahead", clock.now());
    upstream.put("x", "restored", clock.now() - MINUTE);
    clock.pass(1_000);
    await sweep();
    const look = { job: "look", connection: HERE, ref: { kind: "clients", id: "x" } };
    expect(sent).toEqual([{ job: look, delaySeconds: 61 }]);
    expect([await drift(), await shown()]).toEqual([none, { x: "ahead" }]);
  });

  it("SW10 a record back from its tombstone is drift", async () => {
    const { upstream, mirrored, memory, clock, sweep, drift, shown } = await later();
    await mirrored("x", "a", clock.now() - MINUTE);
    clock.pass(1);
    const ref = { kind: "clients", id: idOf("x") } as const;
    await memory.records.commit(HERE, [{ write: "tombstone", ref, fetchedAt: clock.now() }]);
    clock.pass(1);
    upstream.put("x", "a", clock.now() - 3 * MINUTE);
    await sweep();
    expect([await drift(), await shown()]).toEqual([{ ...none, missed: 1 }, { x: "a" }]);
  });
});
