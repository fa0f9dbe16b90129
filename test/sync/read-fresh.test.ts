// A copy that aged: who waits, who does not, and what it costs upstream.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { idOf, refOf, snapshotOf } from "../core/samples.ts";
import { LAG, MINUTE, setUp, TTL } from "./reading.ts";
import { type Fetch, failed, HERE, missed, saw, settled } from "./world.ts";

const shows = { hash: "a" } as const;

interface Trouble {
  readonly open: readonly Fetch[];
  readonly sleeps: readonly { wake(): void }[];
}

describe("a stale copy that is open", () => {
  it("RD3 is fetched while its reader waits, and says so", async () => {
    const { ask, hold, upstream, clock } = await setUp();
    await hold({ ago: TTL });
    const answer = ask();
    await settled();
    expect(upstream.open).toHaveLength(1);
    upstream.open[0]?.answer(saw(upstream.open[0], { hash: "b", updatedAt: clock.now() }));
    expect(await answer).toMatchObject({
      record: { hash: "b" },
      via: { hit: false, fwd: "stale", stored: true },
    });
  });

  it("RD3 found unchanged writes nothing, is as of that look, and is not fetched again until it aged anew", async () => {
    const { ask, hold, upstream, clock, memory } = await setUp();
    await hold({ ago: TTL });
    const [before] = memory.records.all(HERE);
    const answer = ask();
    await settled();
    const [fetch] = upstream.open;
    fetch?.answer(saw(fetch, { hash: "a", updatedAt: clock.now() - TTL }));
    const lookedAt = clock.now() - limits.clockDoubtMs - LAG;
    expect(await answer).toMatchObject({ asOf: lookedAt, via: { hit: false, fwd: "stale", stored: false } });
    expect(memory.records.all(HERE)).toEqual([before]);
    clock.pass(MINUTE);
    expect(await ask()).toMatchObject({ asOf: lookedAt, via: { hit: true } });
    clock.pass(TTL);
    void ask();
    await settled();
    expect(upstream.started).toHaveLength(2);
  });

  it("RD3 a thousand readers at once, and a thousand just after, cost one call", async () => {
    const { deps, ask, hold, upstream, clock } = await setUp();
    await hold({ ago: TTL });
    const answers = Array.from({ length: 1_000 }, () => ask());
    await settled();
    clock.pass(50);
    answers.push(...Array.from({ length: 1_000 }, () => ask()));
    await settled();
    expect(upstream.open).toHaveLength(1);
    upstream.open[0]?.answer(saw(upstream.open[0], { hash: "a", updatedAt: clock.now() - TTL }));
    await Promise.all(answers);
    // Another isolate knows nothing of that look; the writer does.
    Object.assign(deps, { shown: new Map() });
    clock.pass(1_000);
    expect(await ask()).toMatchObject({ result: "found" });
    expect(upstream.started).toHaveLength(1);
  });

  it.each<[string, (of: Trouble) => void]>([
    ["fails", ({ open }) => open[0]?.answer(failed({ kind: "server_error", status: 503 }))],
    ["is slow", ({ sleeps }) => sleeps.at(-1)?.wake()],
  ])("RD3 is served, and called stale, while the upstream %s", async (_what, trouble) => {
    const { ask, hold, upstream, sleeps, clock } = await setUp();
    await hold({ ago: TTL });
    const answer = ask();
    await settled();
    trouble({ open: upstream.open, sleeps });
    expect(await answer).toMatchObject({
      result: "found",
      asOf: clock.now() - TTL - LAG,
      via: { hit: true, why: "upstream-unavailable" },
    });
  });

  it("RD2 that the upstream no longer shows stands as old as it is until a second look agrees", async () => {
    const { ask, hold, upstream, clock, jobs, alive } = await setUp();
    await hold({ ago: TTL });
    const answer = ask();
    await settled();
    upstream.open[0]?.answer(missed(upstream.open[0]));
    expect(await answer).toMatchObject({
      asOf: clock.now() - TTL - LAG,
      via: { hit: true, why: "unconfirmed" },
    });
    await Promise.all(alive);
    expect(jobs).toEqual([{ job: { job: "look", connection: HERE, ref: refOf("x") }, delaySeconds: 61 }]);
    // The next reader's look may be that second one: the first is nothing to go by.
    void ask();
    await settled();
    expect(upstream.started).toHaveLength(2);
  });
});

describe("a stale copy that is terminal", () => {
  it("RD3 is served at any age, and asks for one refresh however many read it", async () => {
    const { ask, hold, upstream, jobs, alive, clock } = await setUp();
    await hold({ ago: 100 * TTL, terminal: true });
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask()));
    expect(answers.every((one) => one.result === "found" && one.via.hit)).toBe(true);
    expect(answers[0]).toMatchObject({ via: { hit: true, why: "terminal" } });
    await Promise.all(alive);
    expect(jobs).toEqual([{ job: { job: "look", connection: HERE, ref: refOf("x") }, delaySeconds: 0 }]);
    expect(upstream.started).toEqual([]);
    clock.pass(TTL);
    await ask();
    await Promise.all(alive);
    expect(jobs).toHaveLength(2);
  });

  it("RD3 is answered also when the refresh cannot be asked for", async () => {
    const { ask, hold, deps, alive } = await setUp();
    await hold({ ago: 2 * TTL, terminal: true });
    const claim = async () => {
      throw new Error("the database is away");
    };
    Object.assign(deps, { refreshes: { claim } });
    expect(await ask()).toMatchObject({ result: "found" });
    await Promise.all(alive);
  });

  it("RD3 as a tombstone is absent at once, and looked at again behind the reader's back", async () => {
    const { ask, hold, memory, clock, jobs, alive, upstream } = await setUp();
    await hold({ ago: 2 * TTL });
    await memory.records.commit(HERE, [
      { write: "tombstone", ref: refOf("x"), fetchedAt: clock.now() - TTL },
    ]);
    expect(await ask()).toEqual({ result: "absent" });
    await Promise.all(alive);
    expect([jobs.length, upstream.started.length]).toEqual([1, 0]);
  });
});

describe("what vouches", () => {
  it("RD2 a sweep that ends between two reads of one request vouches for nothing in it", async () => {
    const { ask, hold, deps, memory, clock, state } = await setUp();
    await hold({ ago: MINUTE });
    const { one } = memory.records;
    Object.assign(deps, {
      records: {
        async one(...asked: Parameters<typeof one>) {
          const row = await one(...asked);
          // Meanwhile: the sweep finds the record changed, writes it and ends.
          const now = clock.now();
          const snapshot = snapshotOf({ hash: "b", updatedAt: now - 30_000, fetchedAt: now });
          await memory.records.commit(HERE, [{ write: "put", snapshot }]);
          state.vouch = { asOf: now, from: 0 };
          return row;
        },
      },
    });
    const read = await ask();
    expect(read).toMatchObject({ record: { hash: "a" }, asOf: clock.now() - MINUTE - LAG });
  });

  it("RD2 a look vouches for the content it saw, and for no other", async () => {
    const { ask, hold, deps, clock } = await setUp();
    await hold({ ago: MINUTE });
    deps.shown.set(`${HERE}/clients/x`, { hash: "another", asOf: clock.now() });
    expect(await ask()).toMatchObject({ asOf: clock.now() - MINUTE - LAG });
    deps.shown.set(`${HERE}/clients/x`, { hash: "a", asOf: clock.now() });
    expect(await ask()).toMatchObject({ asOf: clock.now() - LAG });
  });
});

describe("a wish of the reader", () => {
  it("RD4 only-if-cached never goes upstream", async () => {
    const { ask, hold, upstream } = await setUp();
    expect(await ask({ onlyIfCached: true })).toEqual({ result: "not_held" });
    await hold({ ago: TTL });
    expect(await ask({ onlyIfCached: true })).toEqual({ result: "not_held" });
    expect(await ask({ onlyIfCached: true, maxStaleMs: LAG })).toMatchObject({ result: "found" });
    expect(upstream.started).toEqual([]);
  });

  it("RD4 no-cache is answered by a fetch that started after it was asked, and no sooner", async () => {
    const { ask, hold, upstream, clock } = await setUp();
    await hold();
    const first = ask({ noCache: true });
    await settled();
    clock.pass(1);
    const second = ask({ noCache: true });
    await settled();
    upstream.open[0]?.answer(saw(upstream.open[0], { ...shows, updatedAt: 1 }));
    await first;
    await settled();
    expect([upstream.started.length, upstream.open.length]).toEqual([2, 1]);
    upstream.open[0]?.answer(saw(upstream.open[0], { ...shows, updatedAt: 1 }));
    expect(await second).toMatchObject({ via: { fwd: "request" } });
  });

  it("RD4 no-cache asks again for what was absent a moment ago", async () => {
    const { ask, upstream, absent } = await setUp();
    absent.add(`${HERE}/clients/x`);
    expect(await ask()).toEqual({ result: "absent" });
    void ask({ noCache: true });
    await settled();
    expect(upstream.started).toHaveLength(1);
  });
});

describe("a copy kept for a moment", () => {
  it("RD5 is served without the database, unless the reader knows of a later change", async () => {
    const { ask, hold, kept, memory } = await setUp();
    await hold();
    await ask();
    expect([...kept.keys()]).toEqual(["clients/x"]);
    await memory.records.commit(HERE, [
      { write: "put", snapshot: snapshotOf({ hash: "b", updatedAt: 9e12, fetchedAt: 9e12 }) },
    ]);
    expect(await ask()).toMatchObject({ record: { hash: "a", seq: 1 } });
    expect(await ask({}, { minSeq: 1 })).toMatchObject({ record: { hash: "a" } });
    expect(await ask({}, { minSeq: 2 })).toMatchObject({ record: { hash: "b", seq: 2 } });
  });

  it("RD5 is kept neither for no-store nor under another id, and shown to nobody who may not see it", async () => {
    const { ask, hold, kept, memory, upstream } = await setUp();
    await hold();
    await ask({ noStore: true });
    await memory.records.addAlias(HERE, "clients", idOf("alias"), idOf("x"));
    expect(await ask({}, { ref: refOf("alias") })).toMatchObject({ record: { id: "x" } });
    expect(kept.size).toBe(0);
    await ask();
    expect(kept.size).toBe(1);
    void ask({}, { visible: () => false });
    await settled();
    expect(upstream.started).toHaveLength(1);
  });

  it("RD5 that aged past its time to live is read anew before anybody is asked", async () => {
    const { ask, hold, memory, clock, upstream } = await setUp();
    await hold();
    await ask();
    clock.pass(TTL + 1);
    const now = clock.now();
    const snapshot = { ...snapshotOf({ hash: "b", updatedAt: now, fetchedAt: now }), asOf: now };
    await memory.records.commit(HERE, [{ write: "put", snapshot }]);
    expect(await ask()).toMatchObject({ record: { hash: "b" }, via: { hit: true } });
    expect(upstream.started).toEqual([]);
  });
});
