// A few histories of every profile with each test run; `npm run sim` tells many. Whatever broke a promise once is
// kept here by its seed.

import { describe, expect, it } from "vitest";
import type { Profile } from "./faults.ts";
import { tellHistory } from "./history.ts";

const PROFILES: readonly Profile[] = ["full", "hooks-only", "sweep-only"];
const FRESH = 25;

describe.each(PROFILES)("%s", (profile) => {
  it("WR5 nothing is lost, nothing goes back, and in peace the mirror equals the upstream", {
    timeout: 60_000,
  }, async () => {
    for (let seed = 1; seed <= FRESH; seed++) {
      const { violations } = await tellHistory(seed, profile);
      expect(violations, `npm run sim -- --profile ${profile} --seeds 1 --seed ${seed}`).toEqual([]);
    }
  });

  it("WR5 the same seed is the same history", async () => {
    const [one, again, other] = [
      await tellHistory(7, profile),
      await tellHistory(7, profile),
      await tellHistory(8, profile),
    ];
    expect(again).toEqual(one);
    expect(other.hash).not.toBe(one.hash);
  });
});
