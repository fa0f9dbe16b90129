// One record, many askers: what the writer fetches, and for whom. Commits: write-commit.test.ts; doubts:
// write-doubts.test.ts.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { idOf, refOf, snapshotOf } from "../core/samples.ts";
import { failed, HERE, saw, settled } from "./world.ts";
import { only, setUp } from "./writer-set-up.ts";

describe("asking for a record", () => {
  it("WR1 asked for by many during a fetch, it is fetched exactly once more", async () => {
    const { upstream, look } = await setUp();
    const first = look();
    const during = Array.from({ length: 25 }, () => look());
    await settled();
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    expect(first.looked).toMatchObject({ decision: "insert" });
    expect(during.every(({ looked }) => looked === undefined)).toBe(true);
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    expect(during.map(({ looked }) => looked)).toEqual(
      new Array(25).fill(expect.objectContaining({ decision: "unchanged" })),
    );
    expect(upstream.started).toHaveLength(2);
  });

  it("WR1 however asks and answers interleave, no record is ever fetched twice at a time", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("ask" as const), record: fc.constantFrom("x", "y", "z") }),
      fc.record({ do: fc.constant("answer" as const), which: fc.nat(5), hash: fc.constantFrom("a", "b") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, upstream, look } = await setUp();
        const asked: { seen: { looked?: Looked }; fetchesBefore: number; record: string }[] = [];
        const answerOne = (which: number, hash: string) => {
          const fetch = upstream.open[which % Math.max(1, upstream.open.length)];
          if (fetch) fetch.answer(saw(fetch, { hash }));
        };
        for (const one of steps) {
          clock.pass(1);
          if (one.do === "ask") {
            const fetchesBefore = upstream.started.filter(({ ref }) => ref.id === one.record).length;
            asked.push({ seen: look(one.record), fetchesBefore, record: one.record });
          } else answerOne(one.which, one.hash);
          await settled();
          const open = upstream.open.map(({ ref }) => ref.id);
          expect(new Set(open).size).toBe(open.length);
        }
        while (upstream.open.length > 0) {
          answerOne(0, "c");
          await settled();
        }
        // Nobody is left waiting, and everyone was answered by a fetch that started after they asked.
        for (const { seen, fetchesBefore, record } of asked) {
          expect(seen.looked?.ok).toBe(true);
          expect(upstream.started.filter(({ ref }) => ref.id === record).length).toBeGreaterThan(
            fetchesBefore,
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  it("WR2 asked for after a fetch started, it is answered by the next, which sees what changed meanwhile", async () => {
    const { clock, upstream, look, memory } = await setUp();
    const early = look();
    await settled();
    clock.pass(10);
    const late = look();
    only(upstream.open).answer(saw(only(upstream.open), { updatedAt: 1, hash: "old" }));
    await settled();
    expect(early.looked).toMatchObject({ decision: "insert", version: { updatedAt: 1 } });
    expect(late.looked).toBeUndefined();
    only(upstream.open).answer(saw(only(upstream.open), { updatedAt: 2, hash: "new" }));
    await settled();
    expect(late.looked).toMatchObject({ decision: "update", version: { updatedAt: 2 } });
    expect(memory.records.all(HERE)).toMatchObject([{ updatedAt: 2, hash: "new", seq: 2 }]);
  });

  it("WR2 asked for again after its fetch ended, it is fetched again", async () => {
    const { upstream, look } = await setUp();
    look();
    await settled();
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    const again = look();
    await settled();
    only(upstream.open).answer(saw(only(upstream.open), { hash: "b" }));
    await settled();
    expect(upstream.started).toHaveLength(2);
    expect(again.looked?.ok).toBe(true);
  });

  it("WR1 different records are fetched side by side, but not more at once than the platform opens", async () => {
    const { upstream, look } = await setUp();
    const seen = Array.from({ length: 10 }, (_, i) => look(`r${i}`));
    await settled();
    expect(upstream.open).toHaveLength(limits.fetchesAtOnce);
    while (upstream.open.length > 0) {
      for (const fetch of [...upstream.open]) fetch.answer(saw(fetch, { hash: "a" }));
      await settled();
    }
    expect(seen.every(({ looked }) => looked?.ok)).toBe(true);
  });

  it("GT1 a reader who waits behind an event makes it a reader's look", async () => {
    const { upstream, look } = await setUp();
    look();
    look("x", { class: "verify" });
    look("x", { class: "interactive" });
    await settled();
    expect(upstream.open.map(({ ask: { class: callClass } }) => callClass)).toEqual(["event"]);
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    expect(upstream.open.map(({ ask: { class: callClass } }) => callClass)).toEqual(["interactive"]);
  });

  it("RD6 what one asker knows of the organization is not lost when another asked first", async () => {
    const { upstream, look } = await setUp();
    look();
    look("x");
    look("x", { organizationId: "o1" });
    await settled();
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    expect(only(upstream.open).ask.organizationId).toBe("o1");
  });
});

describe("a fetch that fails", () => {
  it("WR8 is its askers' answer, writes nothing, and makes the next fetch a retry until one succeeds", async () => {
    const { upstream, look, memory } = await setUp();
    const failure = { kind: "server_error", status: 503 } as const;
    for (const outcome of ["fails", "fails", "succeeds", "succeeds"] as const) {
      const seen = look();
      await settled();
      const fetch = only(upstream.open);
      fetch.answer(outcome === "fails" ? failed(failure) : saw(fetch, { hash: "a" }));
      await settled();
      expect(seen.looked?.ok).toBe(outcome === "succeeds");
    }
    expect(upstream.started.map(({ ask: { retry } }) => retry)).toEqual([false, true, true, false]);
    expect(memory.records.all(HERE)).toHaveLength(1);
  });

  it("WR8 that throws is an interruption, and the record can be asked for again", async () => {
    let calls = 0;
    const { look, upstream } = await setUp({
      fetchOne: (ref, how) => {
        if (calls++ === 0) throw new Error("the writer was cleared");
        return upstream.fetchOne(ref, how);
      },
    });
    const first = look();
    const behind = look();
    await settled();
    expect(first.looked).toEqual({ ok: false, failure: { kind: "interrupted" } });
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    expect(behind.looked?.ok).toBe(true);
  });
});

it("WR1 a record that answers under another id is kept under its own, and found under both", async () => {
  const { memory, look, upstream } = await setUp();
  const seen = look("alias");
  await settled();
  const fetch = only(upstream.open);
  fetch.answer({
    ok: true,
    value: { kind: "record", snapshot: snapshotOf({ id: "real", fetchedAt: fetch.startedAt }) },
  });
  await settled();
  expect(seen.looked).toMatchObject({ decision: "insert" });
  expect((await memory.records.one(HERE, refOf("alias")))?.id).toBe(idOf("real"));
  expect(memory.records.all(HERE).map(({ id }) => id)).toEqual(["real"]);
});
