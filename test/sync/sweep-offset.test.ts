// Offset paging under writes: a record that changes leaves its place, and another slips into a page already read.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { MINUTE, type Sweeping, sweeping } from "./sweeping.ts";
import { START } from "./world.ts";

const NAMES = ["a", "b", "c", "d", "e", "f"];

/** Three pages of two, all of it missed by webhooks. */
async function six(): Promise<Sweeping> {
  const world = await sweeping();
  await world.sweep();
  world.clock.pass(15 * MINUTE);
  NAMES.forEach((id, i) => {
    world.upstream.put(id, "old", world.clock.now() - 10 * MINUTE + i * 1_000);
  });
  world.upstream.lists.length = 0;
  return world;
}

/** Something happens upstream just before the nth page is answered. */
function beforePage(world: Sweeping, nth: number, happens: () => void): void {
  world.upstream.state.before = (_call, n) => {
    world.clock.pass(1_500);
    if (n === nth) happens();
    return undefined;
  };
}

const asked = ({ upstream }: Sweeping) => upstream.lists.map(({ pageUrl }) => pageUrl ?? "0").join(" ");

describe("a record that moves mid-sweep", () => {
  it.each([2, 3])(
    "SW2 before page %i makes another slip past, which the repeated pass finds",
    async (nth) => {
      const world = await six();
      beforePage(world, nth, () => world.upstream.put("a", "new"));
      const swept = await world.sweep();
      expect(swept).toMatchObject({ finished: true, pages: 6, watermark: START + 15 * MINUTE + 1_000 });
      expect(asked(world)).toBe("0 2 4 0 2 4");
      expect(await world.shown()).toEqual({
        ...Object.fromEntries(NAMES.map((id) => [id, "old"])),
        a: "new",
      });
    },
  );

  it("SW2 in one run is noticed in the next, and a pass at rest ends it however many runs it took", async () => {
    const world = await six();
    const bounded = { pagesPerRun: 1 };
    await world.sweep("clients", bounded);
    world.clock.pass(MINUTE);
    world.upstream.put("a", "new");
    for (let runs = 0; runs < 20 && world.cursors.of().run !== undefined; runs++) {
      world.clock.pass(MINUTE);
      await world.sweep("clients", bounded);
    }
    expect(world.cursors.of()).toMatchObject({ watermark: START + 15 * MINUTE, last: { pages: 6 } });
    expect(Object.keys(await world.shown())).toHaveLength(6);
  });

  it("SW2 within the second in which the pass began is noticed in the next run, stamps cut to it or not", async () => {
    for (const updatedAt of [START + 15 * MINUTE, START + 15 * MINUTE + 300]) {
      const world = await six();
      const bounded = { pagesPerRun: 1 };
      await world.sweep("clients", bounded);
      world.upstream.put("a", "new", updatedAt);
      for (let runs = 0; runs < 20 && world.cursors.of().run !== undefined; runs++) {
        world.clock.pass(1_000);
        await world.sweep("clients", bounded);
      }
      expect(Object.keys(await world.shown())).toHaveLength(6);
    }
  });

  it("SW2 by a change from just before the pass, which its first pages could not show yet, is noticed too", async () => {
    const world = await six();
    const bounded = { pagesPerRun: 1 };
    await world.sweep("clients", bounded);
    world.clock.pass(3_000);
    // Written before the pass began, visible only now.
    world.upstream.put("a", "new", START + 15 * MINUTE - 4_000);
    for (let runs = 0; runs < 20 && world.cursors.of().run !== undefined; runs++) {
      world.clock.pass(MINUTE);
      await world.sweep("clients", bounded);
    }
    expect(Object.keys(await world.shown())).toHaveLength(6);
  });

  it("SW2 the premise: one pass alone over such a list leaves a record out", async () => {
    const world = await six();
    const ids: string[] = [];
    for (const pageUrl of [undefined, "2", "4"]) {
      if (pageUrl === "2") world.upstream.put("a", "new");
      const page = await world.upstream.listChanged("clients", 0, pageUrl);
      if (page.ok) ids.push(...page.value.snapshots.map(({ id }) => id));
    }
    expect(ids).toEqual(["a", "b", "d", "e", "f", "a"]);
  });

  it("SW2 no movement, no repetition: every page is asked once", async () => {
    const world = await six();
    beforePage(world, 99, () => {});
    expect(await world.sweep()).toMatchObject({ finished: true, pages: 3, seen: 6 });
    expect(asked(world)).toBe("0 2 4");
  });

  it("SW2 a record from pages yet to come moves nothing past, and repeats nothing", async () => {
    const world = await six();
    beforePage(world, 2, () => world.upstream.put("e", "new"));
    expect(await world.sweep()).toMatchObject({ finished: true, pages: 3 });
    expect(await world.shown()).toMatchObject({ f: "old", e: "new" });
  });

  it("SW2 a single page cannot be split and is never repeated", async () => {
    const world = await six();
    world.upstream.state.pageSize = 10;
    beforePage(world, 1, () => world.upstream.put("a", "new"));
    expect(await world.sweep()).toMatchObject({ finished: true, pages: 1 });
  });

  it("SW2 a network that never rests is passed over a bounded number of times, never for ever", async () => {
    const world = await six();
    let moves = 0;
    world.upstream.state.before = (_call, n) => {
      world.clock.pass(1_500);
      // Before every second page of a pass whatever is oldest moves to the end.
      const oldest = [...world.upstream.held].sort(
        ([, x], [, y]) => (x.updatedAt ?? 0) - (y.updatedAt ?? 0),
      )[0];
      if (n % 3 === 2 && oldest) world.upstream.put(oldest[0].slice("clients/".length), `v${++moves}`);
      return undefined;
    };
    const swept = await world.sweep();
    expect(swept).toMatchObject({ finished: true, pages: 3 * limits.sweepPasses });
    expect(swept.watermark).toBe(START + 15 * MINUTE + 1_000);
    world.upstream.state.before = () => undefined;
    world.clock.pass(15 * MINUTE);
    await world.sweep();
    const truth = [...world.upstream.held].map(([key, { hash }]) => [key.slice("clients/".length), hash]);
    expect(await world.shown()).toEqual(Object.fromEntries(truth));
  });

  it("SW2 any moves at any pages, three passes at rest at the end: nothing is left out", async () => {
    for (let round = 0; round < 60; round++) {
      const world = await six();
      const moved = NAMES[round % 6] ?? "a";
      const other = NAMES[(round * 5 + 2) % 6] ?? "b";
      const [first, second] = [1 + (round % 3), 2 + (Math.floor(round / 6) % 4)];
      world.upstream.state.before = (_call, n) => {
        world.clock.pass(1_500);
        if (n === first) world.upstream.put(moved, "new");
        if (n === second) world.upstream.put(other, "newer");
        return undefined;
      };
      expect((await world.sweep()).finished).toBe(true);
      expect(Object.keys(await world.shown()), `round ${round}`).toHaveLength(6);
    }
  });
});
