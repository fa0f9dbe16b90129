// Histories of every profile with each test run: those that broke a promise once, and a few that nobody has seen
// before. `npm run sim` tells many.

import { describe, expect, it } from "vitest";
import { PROFILES, type Profile } from "./faults.ts";
import { tellHistory } from "./history.ts";
import { drawPlan } from "./plan.ts";
import { REGRESSIONS } from "./regressions.ts";
import { command, everything } from "./shrink.ts";

/** Fresh ones of each profile: a few seconds. */
const FRESH = 60;
/** Another one with every run, told when something breaks, so that the whole run can be repeated by its seeds. */
const first = Date.now() >>> 0;

async function holds(profile: Profile, seed: number): Promise<void> {
  const { violations } = await tellHistory(seed, profile);
  const plan = drawPlan(seed, profile);
  expect(violations, command(plan, everything(plan))).toEqual([]);
}

describe.each(PROFILES)("%s", (profile) => {
  it(`WR5 fresh histories from seed ${first}: nothing is lost, nothing goes back, and in peace the mirror equals the upstream`, {
    timeout: 60_000,
  }, async () => {
    for (let i = 0; i < FRESH; i++) await holds(profile, (first + i) >>> 0);
  });

  it("WR5 histories that broke a promise once", { timeout: 60_000 }, async () => {
    for (const { seed } of REGRESSIONS.filter((one) => one.profile === profile)) await holds(profile, seed);
    // The first ones, so that no profile is without.
    for (let seed = 1; seed <= 10; seed++) await holds(profile, seed);
  });

  it("HS4 the same seed is the same history", async () => {
    const [one, again, other] = [
      await tellHistory(7, profile),
      await tellHistory(7, profile),
      await tellHistory(8, profile),
    ];
    expect(again).toEqual(one);
    expect(other.hash).not.toBe(one.hash);
  });
});
