// Readers share a fetch where events may not.

import fc from "fast-check";
import { expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { failed, HERE, missed, saw, settled } from "./world.ts";
import { only, setUp } from "./writer-set-up.ts";

it("RD3 a reader takes the fetch under way if it started late enough, and otherwise the next", async () => {
  const { clock, upstream, look } = await setUp();
  const before = clock.now();
  look();
  await settled();
  clock.pass(10);
  const content = look("x", { notBefore: before });
  const wantsNewer = look("x", { notBefore: before + 1 });
  await settled();
  only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
  await settled();
  expect(content.looked).toMatchObject({ decision: "insert" });
  expect(wantsNewer.looked).toBeUndefined();
  only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
  await settled();
  expect(wantsNewer.looked).toMatchObject({ decision: "unchanged" });
  expect(upstream.started).toHaveLength(2);
});

it("RD3 a fetch that fails fails for the readers who waited for it, without another", async () => {
  const { clock, upstream, look } = await setUp();
  const readers = Array.from({ length: 20 }, () => look("x", { notBefore: clock.now() - 1_000 }));
  await settled();
  only(upstream.open).answer(failed({ kind: "server_error", status: 500 }));
  await settled();
  expect(readers.every(({ looked }) => looked?.ok === false)).toBe(true);
  expect(upstream.started).toHaveLength(1);
  // It is nothing to go by for the next.
  look("x", { notBefore: clock.now() - 1_000 });
  await settled();
  expect(upstream.started).toHaveLength(2);
});

it("RD3 a disappearance that waits for its second look is remembered for nobody", async () => {
  const { clock, upstream, look, memory } = await setUp();
  await memory.kinds.markProven(HERE, "clients");
  look();
  await settled();
  only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
  await settled();
  clock.pass(1_000);
  look();
  await settled();
  only(upstream.open).answer(missed(only(upstream.open)));
  await settled();
  look("x", { notBefore: clock.now() - 500 });
  await settled();
  expect(upstream.open).toHaveLength(1);
});

it("RD3 a writer remembers a bounded number of looks", async () => {
  const { clock, upstream, look } = await setUp();
  for (let i = 0; i <= limits.recentLooks; i++) {
    look(`r${i}`);
    await settled();
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
  }
  const asked = upstream.started.length;
  look(`r${limits.recentLooks}`, { notBefore: clock.now() });
  await settled();
  expect(upstream.started).toHaveLength(asked);
  look("r0", { notBefore: clock.now() });
  await settled();
  expect(upstream.started).toHaveLength(asked + 1);
});

it("WR2 however readers and events mix, an event is answered by a fetch that started after it", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("event" as const) }),
    fc.record({ do: fc.constant("read" as const), ago: fc.nat(20) }),
    fc.record({ do: fc.constant("answer" as const), hash: fc.constantFrom("a", "b"), ok: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, upstream, look } = await setUp();
      const asked: { seen: { looked?: Looked }; after: number; event: boolean }[] = [];
      const answerOne = (hash: string, ok: boolean) => {
        const [fetch] = upstream.open;
        fetch?.answer(ok ? saw(fetch, { hash }) : failed({ kind: "server_error", status: 500 }));
      };
      /** Who is answered now, is answered by a fetch that started late enough for it. */
      const check = () => {
        const newest = Math.max(0, ...upstream.started.map(({ startedAt }) => startedAt));
        for (const { seen, after, event } of asked.filter((one) => one.seen.looked !== undefined)) {
          if (event) expect(newest).toBeGreaterThanOrEqual(after);
          else if (seen.looked?.ok) expect(newest).toBeGreaterThanOrEqual(after);
        }
        expect(upstream.open.length).toBeLessThanOrEqual(1);
      };
      for (const one of steps) {
        clock.pass(1);
        if (one.do === "answer") answerOne(one.hash, one.ok);
        else {
          const after = one.do === "event" ? clock.now() : clock.now() - one.ago;
          const seen = look("x", one.do === "event" ? {} : { notBefore: after, class: "interactive" });
          asked.push({ seen, after, event: one.do === "event" });
        }
        await settled();
        check();
      }
      while (upstream.open.length > 0) {
        answerOne("c", true);
        await settled();
      }
      check();
      expect(asked.every(({ seen }) => seen.looked !== undefined)).toBe(true);
    }),
    { numRuns: 150 },
  );
});
