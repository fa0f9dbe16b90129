// A million hostile deliveries and ten thousand genuine ones. More, or others: npm run hostile -- --pairs N --seed S.

import { expect, it } from "vitest";
import { MISSPELLINGS } from "./header-mutations.ts";
import { genuineRun, hostileRun } from "./hostile-run.ts";
import { FORGERIES, REPLAYS } from "./mutations.ts";

const PAIRS = 1_000_000;

it("IN2 of a million mutated headers and bodies none is let in, none throws, each is refused for its reason", async () => {
  const { pairs, refused, tried, wrong } = await hostileRun(PAIRS, 20_261_122);
  expect(wrong).toEqual([]);
  expect(pairs).toBe(PAIRS);
  // Enough of them came as far as the HMAC, and no way was left out.
  expect(refused.wrong).toBeGreaterThan(300_000);
  const names = [...FORGERIES, ...REPLAYS, ...MISSPELLINGS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => (tried[name] ?? 0) < 1_000)).toEqual([]);
}, 600_000);

it("IN3 of ten thousand genuine deliveries each is let in, up to the largest body", async () => {
  expect(await genuineRun(10_000, 7, 256 * 1024)).toEqual([]);
}, 60_000);
