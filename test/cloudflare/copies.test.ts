// L1: bounded, short, and without what this isolate has written.

import { expect, it } from "vitest";
import { createCopies, dropping } from "../../src/cloudflare/copies.ts";
import { limits } from "../../src/core/limits.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { refOf, snapshotOf } from "../core/samples.ts";
import { HERE, handClock } from "../sync/world.ts";

const held = (id = "x", body?: string) => {
  const snapshot = snapshotOf({ id, fetchedAt: 1, ...(body === undefined ? {} : { body }) });
  return { record: { ...snapshot, seq: 1 }, vouch: undefined };
};

function setUp(ttlMs = 2_000) {
  const clock = handClock();
  const copies = createCopies(clock.now, ttlMs);
  return {
    clock,
    copies,
    get: (id = "x") => copies.get(HERE, refOf(id)),
    keep: (id = "x", body?: string) => copies.begin(HERE, refOf(id))(held(id, body)),
  };
}

it("RD5 a copy lives as long as said, from when its reading began, and reading it prolongs nothing", () => {
  const { clock, copies, get } = setUp();
  const keep = copies.begin(HERE, refOf("x"));
  clock.pass(500);
  keep(held());
  clock.pass(1_500);
  expect(get()).toBeDefined();
  clock.pass(1);
  expect(get()).toBeUndefined();
});

it("RD5 with a time to live of 0 nothing is kept", () => {
  const { keep, get } = setUp(0);
  keep();
  expect(get()).toBeUndefined();
});

it("RD5 is bounded in entries and in bytes", () => {
  const { keep, get } = setUp();
  for (let i = 0; i <= limits.copyEntries; i++) keep(`r${i}`);
  expect([get("r0"), get(`r${limits.copyEntries}`) !== undefined]).toEqual([undefined, true]);
  const big = "x".repeat(limits.copyBytes / 8);
  for (let i = 0; i < 5; i++) keep(`big${i}`, big);
  expect([get("big0"), get("big4") !== undefined]).toEqual([undefined, true]);
  keep("huge", "x".repeat(limits.copyBytes));
  expect(get("huge")).toBeUndefined();
});

it("RD5 a row written while it was being read is not kept", () => {
  const { copies, get } = setUp();
  const keep = copies.begin(HERE, refOf("x"));
  copies.drop(HERE, refOf("x"));
  keep(held());
  expect(get()).toBeUndefined();
});

it.each<[string, Looked, boolean]>([
  ["was written", { ok: true, decision: "update" }, false],
  ["was buried", { ok: true, decision: "tombstone" }, false],
  ["may have been written", { ok: false, failure: { kind: "interrupted" } }, false],
  ["was left alone", { ok: true, decision: "unchanged" }, true],
])("RD5 a copy of what %s", async (_what, looked, stays) => {
  const { copies, keep, get } = setUp();
  const answer = async (asks: readonly unknown[]) => asks.map(() => looked);
  const writers = dropping(copies, HERE, { look: answer, walk: answer, offer: answer });
  keep();
  keep("y");
  await writers.look([{ ref: refOf("x"), class: "event" }]);
  expect([get() !== undefined, get("y") !== undefined]).toEqual([stays, true]);
  keep();
  await writers.walk([{ ref: refOf("x"), class: "verify" }], { calls: 1, until: 0, report: false });
  expect([get() !== undefined, get("y") !== undefined]).toEqual([stays, true]);
  keep();
  await writers.offer([snapshotOf({ fetchedAt: 1 })]);
  expect(get() !== undefined).toBe(stays);
});
