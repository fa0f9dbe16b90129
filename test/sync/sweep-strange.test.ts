// What must not be believed: the sweep stops where it stands, says so, and the next one starts over.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { Page } from "../../src/sources/source.ts";
import { describeSwept } from "../../src/sync/sweep.ts";
import { snapshotOf } from "../core/samples.ts";
import { MINUTE, OVERLAP, type Sweeping, sweeping } from "./sweeping.ts";
import { START } from "./world.ts";

async function six(): Promise<Sweeping> {
  const world = await sweeping();
  await world.sweep();
  world.clock.pass(15 * MINUTE);
  for (const id of ["a", "b", "c", "d", "e", "f"]) world.upstream.put(id);
  world.upstream.lists.length = 0;
  return world;
}

type Strangeness = (world: Sweeping) => void;
/** From the second page on, so that a page has been applied and a checkpoint kept before. */
const tampered =
  (change: (page: Page, world: Sweeping) => Page): Strangeness =>
  (world) => {
    world.upstream.state.tamper = (page, n) => (n < 2 ? page : change(page, world));
  };

const olderRow = snapshotOf({ id: "older", fetchedAt: START, updatedAt: START - OVERLAP - 1_001 });
const tooMany = Array.from({ length: limits.sweepRows }, (_, i) =>
  snapshotOf({ id: `n${i}`, fetchedAt: START, updatedAt: START }),
);
const firstPage = ["a", "b"].map((id) =>
  snapshotOf({ id, fetchedAt: START, updatedAt: START + 15 * MINUTE }),
);

const table: readonly (readonly [string, string, Strangeness])[] = [
  [
    "rows older than it asked for",
    "records older than asked for came",
    tampered((page) => ({ ...page, snapshots: [...page.snapshots, olderRow] })),
  ],
  [
    "implausibly many rows",
    "implausibly many records came",
    tampered((page) => ({ ...page, snapshots: tooMany })),
  ],
  [
    "a page again",
    "a page came twice",
    tampered((page) => ({ ...page, snapshots: firstPage, nextUrl: "4" })),
  ],
  [
    "a next_url that leads back",
    "next_url leads back to a page already seen",
    tampered((page) => ({ ...page, nextUrl: "2" })),
  ],
  [
    "a next_url of somewhere else",
    "next_url leads outside the connection",
    ({ upstream }) => {
      upstream.state.before = (_call, n) =>
        n < 2 ? undefined : { ok: false, failure: { kind: "bad_answer", why: "foreign_url" } };
    },
  ],
];

describe("strangeness", () => {
  it.each(table)("SW8 %s: stops, raises a problem, keeps the watermark", async (_what, reason, strange) => {
    const world = await six();
    strange(world);
    const { sweep, upstream, cursors, status, lines, shown } = world;
    const swept = await sweep();
    expect(swept).toMatchObject({ finished: false, strange: reason, watermark: START });
    expect(describeSwept(swept)).toBe(reason);
    expect(upstream.lists).toHaveLength(2);
    expect(await status()).toEqual({
      status: "degraded",
      statusReason: `The sweep of clients stopped: ${reason}.`,
    });
    expect([cursors.of().watermark, cursors.of().run]).toEqual([START, undefined]);
    expect(Object.keys(await shown())).toEqual(["a", "b"]);
    expect(lines).toEqual([`error sweep_stopped {"connection":"here","kind":"clients","what":"${reason}"}`]);
  });

  it.each(table)(
    "SW8 %s: the next good sweep starts over and clears the problem",
    async (_what, _why, strange) => {
      const world = await six();
      strange(world);
      const { sweep, upstream, clock, status, shown } = world;
      await sweep();
      upstream.lists.length = 0;
      upstream.state.tamper = (page) => page;
      upstream.state.before = () => undefined;
      clock.pass(15 * MINUTE);
      expect(await sweep()).toMatchObject({ finished: true, pages: 3, watermark: START + 30 * MINUTE });
      expect(upstream.lists[0]).toMatchObject({ since: START - OVERLAP, pageUrl: undefined });
      expect(await status()).toEqual({ status: "active", statusReason: undefined });
      expect(Object.keys(await shown())).toHaveLength(6);
    },
  );

  it("SW8 met in a run that went on from a checkpoint, the next sweep starts over all the same", async () => {
    const world = await six();
    const { sweep, upstream, cursors, clock } = world;
    await sweep("clients", { pagesPerRun: 1 });
    expect(cursors.of().run).toMatchObject({ pages: 1, nextUrl: "2" });
    upstream.state.tamper = (page, n) => (n === 3 ? { ...page, nextUrl: "4" } : page);
    expect(await sweep()).toMatchObject({ strange: "next_url leads back to a page already seen" });
    expect([cursors.of().watermark, cursors.of().run]).toEqual([START, undefined]);
    clock.pass(15 * MINUTE);
    expect(await sweep()).toMatchObject({ finished: true, pages: 3 });
  });

  it("SW8 a sweep that only failed neither raises the problem nor clears it", async () => {
    const world = await six();
    const { sweep, upstream, status } = world;
    upstream.failures.set("clients", { kind: "server_error", status: 500 });
    await sweep();
    expect((await status()).status).toBe("active");
    upstream.failures.clear();
    tampered((page) => ({ ...page, nextUrl: "2" }))(world);
    await sweep();
    upstream.failures.set("clients", { kind: "server_error", status: 500 });
    await sweep();
    expect((await status()).status).toBe("degraded");
  });

  it("SW8 one kind's good sweep does not clear another's problem", async () => {
    const world = await six();
    tampered((page) => ({ ...page, nextUrl: "2" }))(world);
    const { sweep, clock, status, upstream } = world;
    await sweep();
    upstream.state.tamper = (page) => page;
    await sweep("staff");
    clock.pass(MINUTE);
    expect(await sweep("staff")).toMatchObject({ finished: true });
    expect((await status()).statusReason).toBe(
      "The sweep of clients stopped: next_url leads back to a page already seen.",
    );
  });
});
