// Page after page: what is asked, when a checkpoint is kept, and where a run ends.

import { describe, expect, it } from "vitest";
import type { Failure, Result } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import type { Page } from "../../src/sources/source.ts";
import { newRun, type PageDeps, runPages } from "../../src/sync/paging.ts";
import type { PageRun } from "../../src/sync/stores.ts";
import { snapshotOf } from "../core/samples.ts";
import { START } from "./world.ts";

const DOWN: Failure = { kind: "server_error", status: 503 };

type Script = (pageUrl: string | undefined, call: number) => Result<Page>;

function page(ids: readonly string[], nextUrl?: string, more: Partial<Page> & { updatedAt?: number } = {}) {
  // Changed before any pass began.
  const { updatedAt = START - 1, ...rest } = more;
  const snapshots = ids.map((id) => snapshotOf({ id, fetchedAt: START, updatedAt }));
  const value: Page = {
    snapshots,
    unreadable: 0,
    upstreamNow: START,
    ...(nextUrl === undefined ? {} : { nextUrl }),
    ...rest,
  };
  return { ok: true, value } as const;
}

/** Pages 0, 1, 2 … of one record each; the last has no next. */
const straight =
  (count: number): Script =>
  (url) => {
    const at = Number(url ?? 0);
    return page([`r${at}`], at + 1 < count ? String(at + 1) : undefined, {
      upstreamNow: START + at * 1_000,
    });
  };

function script(list: Script, replaced: Partial<PageDeps> = {}) {
  const done: string[] = [];
  const saved: PageRun[] = [];
  let calls = 0;
  const deps: PageDeps = {
    now: () => START + 7,
    maxPages: 50,
    visibilityLagMs: 0,
    async list(url) {
      done.push(`list ${url ?? "first"}`);
      return list(url, ++calls);
    },
    async apply({ snapshots }) {
      done.push(`apply ${snapshots.map(({ id }) => id).join()}`);
      return { ok: true, drifted: 1 };
    },
    async save(run) {
      done.push(`save ${run.nextUrl}`);
      saved.push(run);
    },
    ...replaced,
  };
  return { done, saved, run: (from: PageRun = newRun(START)) => runPages(deps, from) };
}

describe("a run", () => {
  it("SW3 a checkpoint follows every page but the last, and only once the page was applied", async () => {
    const { run, done } = script(straight(3));
    expect((await run()).end).toBe("finished");
    expect(done).toEqual([
      "list first",
      "apply r0",
      "save 1",
      "list 1",
      "apply r1",
      "save 2",
      "list 2",
      "apply r2",
    ]);
  });

  it("SW2 the clock of the first page is the start, and every later page keeps it", async () => {
    const { run, saved } = script(straight(4));
    expect((await run()).run).toMatchObject({
      since: START,
      startedAt: START,
      pages: 4,
      seen: 4,
      drifted: 4,
      passes: 1,
      moved: false,
    });
    expect(saved.map(({ startedAt }) => startedAt)).toEqual([START, START, START]);
  });

  it("SW2 an upstream that tells no time is taken to be as far behind as clocks may differ", async () => {
    const { upstreamNow: _, ...value } = page(["x"]).value;
    const { run } = script(() => ({ ok: true, value }));
    expect((await run()).run.startedAt).toBe(START + 7 - limits.clockDoubtMs);
  });

  it("SW3 a run ends at its bound, and the next goes on with the page after", async () => {
    const { run, done } = script(straight(5), { maxPages: 2 });
    const first = await run();
    expect([first.end, first.run.nextUrl, first.run.pages]).toEqual(["bound", "2", 2]);
    const second = await run(first.run);
    expect([second.end, second.run.nextUrl, second.run.pages]).toEqual(["bound", "4", 4]);
    const last = await run(second.run);
    expect([last.end, last.run.pages, last.run.nextUrl]).toEqual(["finished", 5, undefined]);
    expect(done.filter((one) => one.startsWith("list"))).toEqual([
      "list first",
      "list 1",
      "list 2",
      "list 3",
      "list 4",
    ]);
  });

  it("SW2 one page that shows a record twice over cannot be split, and is not read again", async () => {
    const twice = ["first", "second"].map((hash) =>
      snapshotOf({ id: "x", hash, fetchedAt: START, updatedAt: START }),
    );
    const { run, done } = script(() => page([], undefined, { snapshots: twice }));
    expect(await run()).toMatchObject({ end: "finished", run: { passes: 1, pages: 1 } });
    expect(done).toEqual(["list first", "apply x,x"]);
  });

  it.each([1, 2, 3])("SW2 a list that fails at page %i leaves the run at the page before", async (at) => {
    const { run, saved } = script((url, call) =>
      call === at ? { ok: false, failure: DOWN } : straight(3)(url, call),
    );
    expect(await run()).toEqual({ end: "failed", failure: DOWN, run: saved.at(-1) ?? newRun(START) });
    expect(saved).toHaveLength(at - 1);
  });

  it.each([1, 2, 3])("SW2 a page %i that cannot be applied counts as not read", async (at) => {
    let applied = 0;
    const { run, saved } = script(straight(3), {
      apply: async () => (++applied === at ? { ok: false, failure: DOWN } : { ok: true, drifted: 0 }),
    });
    expect(await run()).toEqual({ end: "failed", failure: DOWN, run: saved.at(-1) ?? newRun(START) });
    expect(saved).toHaveLength(at - 1);
  });
});

const OLD = "records older than asked for came";
const MANY = "implausibly many records came";
const TWICE = "a page came twice";
const BACK = "next_url leads back to a page already seen";

describe("what must not be believed", () => {
  const whole = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`);
  const table: readonly (readonly [string, Script, string, number])[] = [
    ["records older than asked for", () => page(["x"], undefined, { updatedAt: START - 1_001 }), OLD, 0],
    ["a page again", (url) => page(["x", "y"], String(Number(url ?? 0) + 1)), TWICE, 1],
    ["itself as the next page", (url, n) => page([`r${n}`], url ?? "same"), BACK, 1],
    ["a ring of three", (_url, n) => page([`r${n}`], String(n % 3)), BACK, 3],
    ["more than a network can hold", () => page(whole(limits.sweepRows + 1)), MANY, 0],
  ];

  it.each(table)(
    "SW8 %s ends the run, and nothing of that page is applied",
    async (_what, list, what, pages) => {
      const { run, done } = script(list);
      const ended = await run();
      expect(ended).toMatchObject({ end: "strange", what, run: { pages } });
      expect(done.filter((one) => one.startsWith("apply"))).toHaveLength(pages);
      expect(done.at(-1)).toMatch(/^list/);
    },
  );

  it("SW8 a next_url that was refused as foreign is strange, other answers not understood are failures", async () => {
    const answering = (why: "foreign_url" | "shape") =>
      script(() => ({ ok: false, failure: { kind: "bad_answer", why } })).run();
    expect(await answering("foreign_url")).toMatchObject({
      end: "strange",
      what: "next_url leads outside the connection",
    });
    expect((await answering("shape")).end).toBe("failed");
  });

  it("SW8 rows are counted over the whole sweep, runs before this one included", async () => {
    const from = { ...newRun(START), startedAt: START, seen: limits.sweepRows - 1, pages: 9, nextUrl: "9" };
    expect((await script(() => page(["x"])).run(from)).end).toBe("finished");
    expect(await script(() => page(["x", "y"])).run(from)).toMatchObject({ end: "strange", what: MANY });
  });

  it("SW8 timestamps cut to the second, an empty page and a boundary row shown twice are plausible", async () => {
    expect((await script(() => page(["x"], undefined, { updatedAt: START - 1_000 })).run()).end).toBe(
      "finished",
    );
    const gaps = script((url) => page([], url === undefined ? "1" : url === "1" ? "2" : undefined));
    expect((await gaps.run()).end).toBe("finished");
    const overlapping = script((url) => (url === undefined ? page(["x", "y"], "1") : page(["y", "z"])));
    expect((await overlapping.run()).end).toBe("finished");
  });

  it("RB1 a rebuild asks for everything, so nothing is too old and nothing too much", async () => {
    const { run } = script(() => page(whole(3), undefined, { updatedAt: 1 }));
    expect((await run(newRun())).end).toBe("finished");
    const from = { ...newRun(), startedAt: START, seen: limits.sweepRows, pages: 9, nextUrl: "9" };
    expect((await run(from)).end).toBe("finished");
  });
});
