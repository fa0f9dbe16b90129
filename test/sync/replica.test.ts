// Which readers may be shown a copy of the database, and from which state on.

import { describe, expect, it } from "vitest";
import { type Replica, replicaFor } from "../../src/sync/replica.ts";
import { LAG, MINUTE, setUp, TTL } from "./reading.ts";
import { failed, settled } from "./world.ts";

const STALE = { maxStaleMs: Number.POSITIVE_INFINITY };

describe("a copy of the database", () => {
  it("RD2 is asked from the later of what the reader has seen and what is vouched for", () => {
    const from = (asked: string | undefined, ...bookmarks: (string | undefined)[]) => {
      let opened: string | undefined;
      const replica = (bookmark: string): Replica => {
        opened = bookmark;
        return {} as Replica;
      };
      const vouches = bookmarks.map((bookmark) => ({ asOf: 1, from: 1, bookmark }));
      replicaFor({ replica }, asked, [undefined, ...vouches]);
      return opened;
    };
    expect(from("")).toBe("");
    expect(from("5")).toBe("5");
    expect(from("5", "3")).toBe("5");
    expect(from("5", "3", "7", "4")).toBe("7");
    expect(from("", "3")).toBe("3");
    // Nobody asked, or nobody can say how far it would have to be.
    expect(from(undefined, "3")).toBeUndefined();
    expect(from("5", undefined)).toBeUndefined();
    expect(from("5", "9", undefined)).toBeUndefined();
  });

  it("RD2 that is behind claims no more than it shows, and names its state", async () => {
    const { ask, hold, clock, state, near, kept } = await setUp();
    await hold({ hash: "a" });
    const then = clock.now();
    clock.pass(MINUTE);
    await hold({ hash: "b" });
    state.behind = 1;
    const read = { result: "found", record: { hash: "a" }, asOf: then - LAG, bookmark: near.bookmarkOf(1) };
    expect(await ask({}, { bookmark: "" })).toMatchObject(read);
    const fromPrimary = await ask();
    expect(fromPrimary).toMatchObject({ record: { hash: "b" } });
    expect(fromPrimary).not.toHaveProperty("bookmark");
    kept.clear();
    // What a sweep vouches for must be in what is shown.
    state.vouch = { asOf: clock.now(), from: 0, bookmark: near.bookmarkOf(2) };
    expect(await ask({}, { bookmark: "" })).toMatchObject({
      record: { hash: "b" },
      asOf: clock.now() - LAG,
      bookmark: near.bookmarkOf(2),
    });
  });

  it("RD2 serves nobody who has seen something later", async () => {
    const { ask, hold, state, near } = await setUp();
    await hold({ hash: "a" });
    await hold({ hash: "b", ago: -1 });
    state.behind = 2;
    expect(await ask({}, { bookmark: near.bookmarkOf(1) })).toMatchObject({ record: { hash: "a" } });
    expect(await ask({}, { bookmark: near.bookmarkOf(2) })).toMatchObject({ record: { hash: "b" } });
    expect(await ask({}, { bookmark: "", minSeq: 2 })).toMatchObject({ record: { hash: "b" } });
  });

  it("RD3 that cannot serve as it stands sends its reader to the primary: absent, stale, or to be fetched", async () => {
    const { ask, hold, state, upstream, kept } = await setUp();
    await hold({ hash: "a", ago: TTL });
    state.behind = 9;
    // Before the record there was nothing.
    expect(await ask(STALE, { bookmark: "" })).toMatchObject({ record: { hash: "a" } });
    kept.clear();
    state.behind = 0;
    const waiting = ask({}, { bookmark: "" });
    await settled();
    expect(upstream.open).toHaveLength(1);
    upstream.open[0]?.answer(failed({ kind: "unreachable", why: "network" }));
    expect(await waiting).toMatchObject({ via: { why: "upstream-unavailable" } });
    void ask(STALE, { bookmark: "", visible: () => false });
    await settled();
    expect(upstream.started).toHaveLength(2);
  });

  it("RD5 is not kept in the isolate, where it could hide what this isolate wrote", async () => {
    const { ask, hold, kept } = await setUp();
    await hold({ hash: "a" });
    expect(await ask({}, { bookmark: "" })).toMatchObject({ record: { hash: "a" } });
    expect(kept.size).toBe(0);
  });
});
