// Findings too strange to act on at once: two looks, at least 60 s apart, and routes that prove nothing.

import { describe, expect, it } from "vitest";
import type { Result } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import type { Look } from "../../src/sources/source.ts";
import { refOf, snapshotOf } from "../core/samples.ts";
import { connectedMemory, doubtMemory, failed, HERE, handClock, writerOver } from "./world.ts";

type Answer =
  | { readonly hash: string; readonly updatedAt?: number }
  | "gone"
  | "no route"
  | "forbidden"
  | "down";

async function setUp() {
  const clock = handClock();
  const { memory } = await connectedMemory();
  const doubts = doubtMemory();
  let answer: Answer = "gone";

  async function fetchOne(): Promise<Result<Look>> {
    const fetchedAt = clock.now();
    const ref = refOf("x");
    switch (answer) {
      case "gone":
      case "no route":
        return { ok: true, value: { kind: "gone", ref, fetchedAt, routeMissing: answer === "no route" } };
      case "forbidden":
        return failed({ kind: "forbidden" });
      case "down":
        return failed({ kind: "server_error", status: 500 });
      default:
        return { ok: true, value: { kind: "record", snapshot: snapshotOf({ ...answer, fetchedAt }) } };
    }
  }

  // A new writer for every look: what it must remember it must have stored.
  async function look(next: Answer) {
    answer = next;
    const [looked] = await writerOver(memory, fetchOne, { doubts }).look([
      { ref: refOf("x"), class: "event" },
    ]);
    return looked;
  }
  const row = async () => memory.records.one(HERE, refOf("x"));
  return { clock, memory, doubts, look, row };
}

describe("a record not found", () => {
  it("WR7 becomes a tombstone by a second look 60 s later, also by another life of the writer", async () => {
    const { clock, look, row } = await setUp();
    await look({ hash: "a" });
    clock.pass(1_000);
    const since = clock.now();
    expect(await look("gone")).toMatchObject({ decision: "unchanged", doubt: { about: "gone", since } });
    clock.pass(limits.confirmAfterMs - 1);
    expect(await look("gone")).toMatchObject({ doubt: { since } });
    expect((await row())?.deletedAt).toBeUndefined();
    clock.pass(1);
    const looked = await look("gone");
    expect(looked).toEqual({
      ok: true,
      decision: "tombstone",
      version: { fetchedAt: clock.now(), deletedAt: clock.now() },
    });
    expect(await row()).toMatchObject({ deletedAt: clock.now(), body: "null", seq: 2 });
  });

  it("WR7 is forgiven by a look in between that returns it", async () => {
    const { clock, look, row, doubts } = await setUp();
    await look({ hash: "a" });
    clock.pass(1_000);
    await look("gone");
    clock.pass(30_000);
    await look({ hash: "a" });
    expect(doubts.size()).toBe(0);
    clock.pass(30_000);
    expect(await look("gone")).toMatchObject({ doubt: { since: clock.now() } });
    expect((await row())?.deletedAt).toBeUndefined();
  });

  it("WR7 a 403 or a 5xx says nothing about it, and leaves the doubt as it was", async () => {
    const { clock, look, row } = await setUp();
    await look({ hash: "a" });
    for (const answer of ["forbidden", "down", "forbidden", "down"] as const) {
      clock.pass(limits.confirmAfterMs);
      expect((await look(answer))?.ok).toBe(false);
    }
    expect((await row())?.deletedAt).toBeUndefined();
    const since = clock.now();
    await look("gone");
    clock.pass(limits.confirmAfterMs);
    await look("down");
    expect(await look("gone")).toMatchObject({ decision: "tombstone" });
    expect(since).toBeLessThan(clock.now());
  });

  it("WR7 a tombstone yields to a look that returns the record, and is then a record like any other", async () => {
    const { clock, look, row } = await setUp();
    await look({ hash: "a", updatedAt: 5 });
    clock.pass(1);
    await look("gone");
    clock.pass(limits.confirmAfterMs);
    await look("gone");
    clock.pass(1);
    expect(await look({ hash: "a", updatedAt: 5 })).toMatchObject({ decision: "update" });
    expect(await row()).toMatchObject({ hash: "a", updatedAt: 5, seq: 3 });
    expect((await row())?.deletedAt).toBeUndefined();
  });

  it("WR7 that the mirror never held leaves nothing behind once it is confirmed", async () => {
    const { clock, look, memory, doubts } = await setUp();
    await memory.kinds.markProven(HERE, "clients");
    expect(await look("gone")).toMatchObject({ doubt: { about: "gone" } });
    clock.pass(limits.confirmAfterMs);
    expect(await look("gone")).toEqual({ ok: true, decision: "unchanged" });
    expect(memory.records.all(HERE)).toEqual([]);
    expect(doubts.size()).toBe(0);
  });
});

describe("a route that has never answered", () => {
  it("WR7 proves nothing by a 404, however often", async () => {
    const { clock, look, memory, doubts } = await setUp();
    await memory.records.commit(HERE, [{ write: "put", snapshot: snapshotOf({ fetchedAt: 1 }) }]);
    for (let i = 0; i < 3; i++) {
      expect(await look("gone")).toEqual({ ok: true, decision: "unchanged", unproven: true });
      clock.pass(limits.confirmAfterMs);
    }
    expect(doubts.size()).toBe(0);
    expect(memory.records.all(HERE)).toMatchObject([{ hash: "a" }]);
  });

  it("WR7 speaks from the first record on that it returned", async () => {
    const { clock, look, memory } = await setUp();
    await look({ hash: "a" });
    expect(await memory.kinds.isProven(HERE, "clients")).toBe(true);
    expect(await memory.kinds.isProven(HERE, "staff")).toBe(false);
    clock.pass(1);
    expect(await look("gone")).toMatchObject({ doubt: { about: "gone" } });
  });

  it("WR7 that answers 405 is no route, whatever it answered before", async () => {
    const { clock, look } = await setUp();
    await look({ hash: "a" });
    clock.pass(1);
    expect(await look("no route")).toMatchObject({ decision: "unchanged", unproven: true });
  });
});

describe("a step back in time", () => {
  it("WR3 is believed after two looks 60 s apart: a restore stays, a lagging answer does not", async () => {
    const { clock, look, row } = await setUp();
    await look({ hash: "new", updatedAt: 20 });
    clock.pass(1);
    expect(await look({ hash: "old", updatedAt: 10 })).toMatchObject({
      decision: "older",
      doubt: { about: "back-in-time" },
    });
    clock.pass(30_000);
    expect(await look({ hash: "new", updatedAt: 20 })).toMatchObject({ decision: "unchanged" });
    clock.pass(30_000);
    expect(await look({ hash: "old", updatedAt: 10 })).toMatchObject({ doubt: { since: clock.now() } });
    clock.pass(limits.confirmAfterMs);
    expect(await look({ hash: "old", updatedAt: 10 })).toMatchObject({
      decision: "update",
      version: { updatedAt: 10 },
    });
    expect(await row()).toMatchObject({ hash: "old", updatedAt: 10, seq: 2 });
  });
});
