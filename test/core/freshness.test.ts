// What a reader gets, as a table: the copy, a fetch, or nothing.

import { describe, expect, it } from "vitest";
import { NO_WISHES, type ReadState, readRule, type Wishes } from "../../src/core/freshness.ts";

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const TTL = 1_800 * SECOND;
const LAG = 10 * SECOND;

const rule = (ageSeconds: number | undefined, wishes: Partial<Wishes> = {}, terminal = false) => {
  const copy = ageSeconds === undefined ? undefined : { asOf: NOW - ageSeconds * SECOND, terminal };
  const state: ReadState = {
    now: NOW,
    ttlMs: TTL,
    lagMs: LAG,
    copy,
    wishes: { ...NO_WISHES, ...wishes },
    missMs: 5_000,
  };
  return readRule(state);
};
const seconds = (count: number) => count * SECOND;
const FRESH = { do: "serve", stale: false, refresh: false };
const STALE = { do: "serve", stale: true, refresh: false };
const REFUSED = { do: "refuse" };
/** @param agoSeconds how old a fetch may be; 0: none but the reader's own will do */
const fetched = (why: string, agoSeconds: number) => ({
  do: "fetch",
  why,
  ...(agoSeconds === 0 ? {} : { notBefore: NOW - agoSeconds * SECOND }),
});

describe("without a wish", () => {
  it.each([
    ["fresh", 0, false, FRESH],
    ["fresh to the last second", 1_800, false, FRESH],
    ["open and stale", 1_801, false, fetched("stale", 1_790)],
    ["terminal and fresh", 1_800, true, FRESH],
    ["terminal and stale", 1_801, true, { do: "serve", stale: true, refresh: true }],
    ["terminal and years old", 100_000_000, true, { do: "serve", stale: true, refresh: true }],
    ["from a clock ahead of ours", -600, false, FRESH],
    ["never held", undefined, false, fetched("miss", 5)],
  ])("RD3 a copy that is %s", (_what, age, terminal, expected) => {
    expect(rule(age, {}, terminal)).toEqual(expected);
  });
});

describe("with a wish", () => {
  it.each<[string, Partial<Wishes>, number | undefined, object]>([
    ["no-cache fetches even what is new", { noCache: true }, 0, fetched("request", 0)],
    ["no-cache of what is stale anyway", { noCache: true }, 1_801, fetched("stale", 0)],
    ["no-cache of what is missing takes no earlier fetch", { noCache: true }, undefined, fetched("miss", 0)],
    ["no-store changes nothing about age", { noStore: true }, 1_800, FRESH],
    ["max-age is met", { maxAgeMs: seconds(60) }, 60, FRESH],
    ["max-age is not met", { maxAgeMs: seconds(60) }, 61, fetched("request", 50)],
    ["max-age=0 fetches now", { maxAgeMs: 0 }, 1, fetched("request", 0)],
    ["max-age does not widen the time to live", { maxAgeMs: seconds(9_000) }, 1_801, fetched("stale", 1_790)],
    ["min-fresh is met", { minFreshMs: seconds(600) }, 1_200, FRESH],
    ["min-fresh is not met", { minFreshMs: seconds(600) }, 1_201, fetched("request", 1_190)],
    ["max-stale takes what is old", { maxStaleMs: seconds(100) }, 1_900, STALE],
    ["max-stale has its bound", { maxStaleMs: seconds(100) }, 1_901, fetched("stale", 1_890)],
    ["max-stale without a bound takes anything", { maxStaleMs: Number.POSITIVE_INFINITY }, 1e9, STALE],
    [
      "max-age bounds max-stale",
      { maxStaleMs: Number.POSITIVE_INFINITY, maxAgeMs: seconds(60) },
      61,
      fetched("request", 50),
    ],
    [
      "min-fresh goes before max-stale",
      { maxStaleMs: seconds(100), minFreshMs: 0 },
      1_801,
      fetched("stale", 1_790),
    ],
    ["only-if-cached of what is fresh", { onlyIfCached: true }, 1_800, FRESH],
    ["only-if-cached of what is stale", { onlyIfCached: true }, 1_801, REFUSED],
    ["only-if-cached with max-stale", { onlyIfCached: true, maxStaleMs: seconds(1) }, 1_801, STALE],
    ["only-if-cached of what is missing", { onlyIfCached: true }, undefined, REFUSED],
    ["only-if-cached and no-cache", { onlyIfCached: true, noCache: true }, 0, REFUSED],
  ])("RD4 %s", (_what, wishes, age, expected) => {
    expect(rule(age, wishes)).toEqual(expected);
  });

  it.each<[string, Partial<Wishes>, object]>([
    ["only-if-cached", { onlyIfCached: true }, { do: "serve", stale: true, refresh: true }],
    ["max-age", { maxAgeMs: seconds(60) }, fetched("stale", 50)],
    ["no-cache", { noCache: true }, fetched("stale", 0)],
    ["min-fresh", { minFreshMs: seconds(1) }, fetched("stale", 1_789)],
  ])(
    "RD4 a terminal copy is good at any age, unless the request names one: %s",
    (_what, wishes, expected) => {
      expect(rule(5_000, wishes, true)).toEqual(expected);
    },
  );
});
