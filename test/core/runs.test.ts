import { describe, expect, it } from "vitest";
import { runsOf } from "../../src/core/runs.ts";

const cut = (all: readonly number[], bounds: Parameters<typeof runsOf>[2]) => runsOf(all, (n) => n, bounds);

describe("runs", () => {
  it("CO2 hold as much as both bounds allow, in order, and what is too large goes alone", () => {
    expect(cut([], { size: 5 })).toEqual([]);
    expect(cut([2, 3, 1, 4, 1], { size: 5 })).toEqual([[2, 3], [1, 4], [1]]);
    expect(cut([1, 9, 1, 1], { size: 5 })).toEqual([[1], [9], [1, 1]]);
    expect(cut([1, 1, 1, 3, 3], { size: 5, count: 2 })).toEqual([[1, 1], [1, 3], [3]]);
  });
});
