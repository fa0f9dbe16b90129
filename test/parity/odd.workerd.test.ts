// The histories of every second seed from the first on, told to both mirrors.

import { expect, it } from "vitest";
import { holdStill, RARE, seedsFrom, tellAll } from "./telling.ts";

holdStill();

const seeds = seedsFrom(0);

it("PA1 told the same history, the worker and the mirror in memory come to the same", {
  timeout: 600_000 + seeds.length * 2_000,
}, async () => {
  const tally = await tellAll(seeds);
  console.log(JSON.stringify(tally));
  expect(tally.histories).toBe(seeds.length);
  const enough = seeds.length >= 200;
  expect(enough ? RARE.filter((name) => !tally.happened[name]) : []).toEqual([]);
});
