// Request directives as RFC 9111 spells them, and everything that is not one.

import { expect, it } from "vitest";
import { parseWishes } from "../../src/core/directives.ts";
import { NO_WISHES, type Wishes } from "../../src/core/freshness.ts";

it.each<[string | undefined, Partial<Wishes>]>([
  [undefined, {}],
  ["", {}],
  ["no-cache", { noCache: true }],
  ["No-Cache", { noCache: true }],
  ["no-store, only-if-cached", { noStore: true, onlyIfCached: true }],
  ["max-age=60", { maxAgeMs: 60_000 }],
  ["max-age=0", { maxAgeMs: 0 }],
  ['max-age="60"', { maxAgeMs: 60_000 }],
  ["min-fresh=5,max-age=9", { minFreshMs: 5_000, maxAgeMs: 9_000 }],
  ["max-stale", { maxStaleMs: Number.POSITIVE_INFINITY }],
  ["max-stale=30", { maxStaleMs: 30_000 }],
  ["  no-cache ,\tmax-age=1 ,, ", { noCache: true, maxAgeMs: 1_000 }],
  ["max-age=60, max-age=1", { maxAgeMs: 60_000 }],
  ["max-age=x, max-age=1", { maxAgeMs: 1_000 }],
  ["max-age=99999999999999999999999", { maxAgeMs: 2_147_483_648_000 }],
])("RD4 %s is understood", (header, wishes) => {
  expect(parseWishes(header)).toEqual({ ...NO_WISHES, ...wishes });
});

it.each([
  "max-age",
  "max-age=",
  "max-age=-1",
  "max-age=+1",
  "max-age=1.5",
  "max-age=1e3",
  "max-age= 1",
  "max-age=1 2",
  "max-age=٣",
  "min-fresh",
  "min-fresh=soon",
  "max-stale=",
  "max-stale=soon",
  "no-cache=1",
  'no-cache="authorization"',
  "no cache",
  "nocache",
  "only-if-cached=true",
  "private",
  "community=UCI",
  '"no-cache"',
  'x="a, no-cache, b"',
  'x="no-cache, max-age=0',
  "=",
  ";",
  "__proto__",
])("RD4 %s is ignored", (header) => {
  expect(parseWishes(header)).toEqual(NO_WISHES);
  expect(parseWishes(`${header}${header.split('"').length % 2 === 0 ? '"' : ""}, max-age=7`)).toEqual({
    ...NO_WISHES,
    maxAgeMs: 7_000,
  });
});
