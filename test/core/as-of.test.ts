// What a copy and a list may claim, case by case. Whole histories: test/sync/as-of-history.test.ts.

import { describe, expect, it } from "vitest";
import { type Copy, listAsOf, recordAsOf } from "../../src/core/as-of.ts";
import { limits } from "../../src/core/limits.ts";

const AT = 1_800_000_000_000;
const LAG = 10_000;
const copy = (more: Partial<Copy> = {}): Copy => ({
  fetchedAt: AT,
  asOf: AT,
  updatedAt: AT - 5_000,
  ...more,
});
const vouch = { asOf: AT + 900_000, from: AT - 100_000 };

describe("a record", () => {
  it("RD2 is as of its own fetch until a sweep vouches for it, less the lag", () => {
    expect(recordAsOf(copy(), undefined, LAG)).toBe(AT - LAG);
    expect(recordAsOf(copy(), vouch, LAG)).toBe(vouch.asOf - LAG);
    expect(recordAsOf(copy(), { ...vouch, asOf: AT - 1 }, LAG)).toBe(AT - LAG);
  });

  it("RD2 fetched from an upstream that told no time has ten minutes of doubt", () => {
    const { asOf: _, ...timeless } = copy();
    expect(recordAsOf(timeless, undefined, LAG)).toBe(AT - limits.clockDoubtMs - LAG);
  });

  it("RD2 fetched before the sweeps looked is vouched for by nobody else", () => {
    expect(recordAsOf(copy({ asOf: vouch.from + LAG - 1 }), vouch, LAG)).toBe(vouch.from - 1);
    expect(recordAsOf(copy({ asOf: vouch.from + LAG }), vouch, LAG)).toBe(vouch.asOf - LAG);
  });

  it("RD2 without updated_at, or deleted, is vouched for by its own fetch alone", () => {
    const { updatedAt: _, ...undated } = copy();
    expect(recordAsOf(undated, vouch, LAG)).toBe(AT - LAG);
    expect(recordAsOf(copy({ deletedAt: AT }), vouch, LAG)).toBe(AT - LAG);
  });
});

describe("a list", () => {
  it("RD2 is as of nothing before the first sweep, and never newer than its oldest row", () => {
    expect(listAsOf([copy()], undefined, LAG)).toBeUndefined();
    expect(listAsOf([], vouch, LAG)).toBe(vouch.asOf - LAG);
    expect(listAsOf([copy(), copy({ asOf: vouch.asOf + 50_000 })], vouch, LAG)).toBe(vouch.asOf - LAG);
    expect(listAsOf([copy(), copy({ asOf: vouch.from - 7 })], vouch, LAG)).toBe(vouch.from - 7 - LAG);
  });
});
