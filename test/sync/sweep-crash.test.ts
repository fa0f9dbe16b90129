// A sweep that dies or fails anywhere loses nothing and repeats at most one page.

import { describe, expect, it } from "vitest";
import type { SweepDeps } from "../../src/sync/sweep.ts";
import { Crash } from "./memory-cursors.ts";
import { MINUTE, OVERLAP, type Sweeping, sweeping } from "./sweeping.ts";
import { START } from "./world.ts";

const PAGES = 5;

/** A baseline, then so many pages of changes to sweep; the cursor has forgotten its writes so far. */
async function waiting(pages = PAGES, replaced: Partial<SweepDeps> = {}): Promise<Sweeping> {
  const world = await sweeping(replaced);
  await world.sweep();
  // Long enough before the sweep that no page can have been asked too early to show them.
  world.clock.pass(14 * MINUTE);
  for (let i = 0; i < 2 * pages; i++) world.upstream.put(`c${String(i).padStart(3, "0")}`);
  world.clock.pass(MINUTE + 1_000);
  world.upstream.lists.length = 0;
  world.cursors.writes.length = 0;
  return world;
}

const count = (pages: number) => 2 * pages;
const all = (pages: number) => Array.from({ length: pages }, (_, i) => i + 1);

describe("failing", () => {
  it.each(all(PAGES))(
    "SW2 page %i failing keeps the old watermark; the next run goes on from there",
    async (at) => {
      const { sweep, upstream, cursors, clock, shown, status } = await waiting();
      upstream.state.before = (_call, n) =>
        n === at ? { ok: false, failure: { kind: "server_error", status: 502 } } : undefined;
      const swept = await sweep();
      expect(swept).toMatchObject({ finished: false, pages: at - 1, seen: count(at - 1), watermark: START });
      expect(cursors.of().watermark).toBe(START);
      expect(Object.keys(await shown())).toHaveLength(count(at - 1));
      expect((await status()).status).toBe("active");

      clock.pass(15 * MINUTE);
      const again = await sweep();
      const startedAt = at === 1 ? START + 30 * MINUTE + 1_000 : START + 15 * MINUTE + 1_000;
      expect(again).toMatchObject({ finished: true, pages: PAGES, seen: count(PAGES), watermark: startedAt });
      expect(upstream.lists).toHaveLength(PAGES + 1);
      expect(Object.keys(await shown())).toHaveLength(count(PAGES));
    },
  );

  it.each(all(PAGES))("SW2 page %i not taken by its writers keeps the old watermark", async (at) => {
    const world = await waiting();
    const { deps, sweep, cursors, shown } = world;
    let offers = 0;
    const writers = {
      ...deps.writers,
      offer: async (...offered: Parameters<typeof deps.writers.offer>) => {
        if (++offers !== at) return deps.writers.offer(...offered);
        return offered[0].map((_, i) =>
          i === 0
            ? ({ ok: true, decision: "insert" } as const)
            : ({ ok: false, failure: { kind: "interrupted" } } as const),
        );
      },
    };
    expect(await sweep("clients", { writers })).toMatchObject({
      finished: false,
      failure: { kind: "interrupted" },
    });
    expect([cursors.of().watermark, cursors.of().run?.pages ?? 0]).toEqual([START, at - 1]);
    expect(await sweep()).toMatchObject({ finished: true });
    expect(Object.keys(await shown())).toHaveLength(count(PAGES));
  });
});

describe("dying", () => {
  it.each([true, false])(
    "SW3 a death after each of 40 pages repeats at most one page (checkpoint written: %s)",
    async (written) => {
      for (const at of all(40)) {
        const { sweep, upstream, cursors, clock, shown } = await waiting(40);
        cursors.crashAt(at, written);
        await expect(sweep()).rejects.toThrow(Crash);
        // Until the very last write was taken, the watermark is the old one.
        const last = at === 40 && written;
        expect(cursors.of().watermark, `at ${at}`).toBe(last ? START + 15 * MINUTE + 1_000 : START);
        clock.pass(MINUTE);
        expect((await sweep()).finished).toBe(true);
        if (!last) expect(upstream.lists.length - 40, `at ${at}`).toBeLessThanOrEqual(written ? 0 : 1);
        expect(Object.keys(await shown())).toHaveLength(80);
      }
    },
  );

  it("SW3 dying in the middle of a page, before or after its records were written, repeats that page alone", async () => {
    for (const after of [false, true]) {
      const { sweep, upstream, deps, clock, drift, shown } = await waiting();
      let offers = 0;
      const offer: typeof deps.writers.offer = async (snapshots) => {
        const dies = ++offers === 3;
        const looked = dies && !after ? [] : await deps.writers.offer(snapshots);
        if (dies) throw new Crash();
        return looked;
      };
      await expect(sweep("clients", { writers: { ...deps.writers, offer } })).rejects.toThrow(Crash);
      clock.pass(MINUTE);
      expect(await sweep()).toMatchObject({ finished: true, pages: PAGES });
      expect(upstream.lists).toHaveLength(PAGES + 1);
      expect(Object.keys(await shown())).toHaveLength(count(PAGES));
      const { missed = 0, late = 0 } = (await drift()) ?? {};
      expect(missed + late).toBe(count(PAGES) - (after ? 2 : 0));
    }
  });

  it("SW3 a run of few pages goes on run by run, asks each page once, and keeps the first page's clock", async () => {
    const { sweep, upstream, cursors, clock } = await waiting(7, { pagesPerRun: 3 });
    const finished: boolean[] = [];
    for (let runs = 0; runs < 3; runs++) {
      finished.push((await sweep()).finished);
      if (runs < 2) expect(cursors.of()).toMatchObject({ watermark: START, run: { pages: 3 * (runs + 1) } });
      clock.pass(20_000);
    }
    expect(finished).toEqual([false, false, true]);
    const asked = upstream.lists.map(({ pageUrl }) => pageUrl);
    expect(asked).toEqual([undefined, "2", "4", "6", "8", "10", "12"]);
    expect(new Set(upstream.lists.map(({ since }) => since))).toEqual(new Set([START - OVERLAP]));
    expect(cursors.of()).toEqual({
      watermark: START + 15 * MINUTE + 1_000,
      vouch: { asOf: START + 15 * MINUTE + 1_000, from: START - OVERLAP },
      last: { at: START + 15 * MINUTE + 41_000, pages: 7, seen: 14, drifted: 14 },
    });
  });
});
