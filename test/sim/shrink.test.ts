// A history that breaks a promise is told as short as it can be, and exactly that history comes again by one command.

import { describe, expect, it } from "vitest";
import type { Told } from "./history.ts";
import { tellPlan } from "./history.ts";
import { readOptions } from "./options.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { neverHappened } from "./rare.ts";
import { command, cut, everything, shortest } from "./shrink.ts";

const plan = drawPlan(3, "full");

function told(violations: readonly string[]): Told {
  return { seed: plan.seed, hash: "", violations, counters: {}, faults: plan.faults, steps: 0 };
}

/** Breaks a promise as long as these deeds are there, and as long as there are crashes. */
function breaksWith(...places: readonly number[]) {
  return async ({ deeds, faults }: Plan): Promise<Told> => {
    const there = places.every((place) => deeds.some((deed) => deed === plan.deeds[place]));
    return told(there && faults.crash > 0 ? ["seq: 1 after 2"] : ["convergence: something else"]);
  };
}

describe("the shortest history", () => {
  it("HS4 holds only the deeds and the faults that break the promise", async () => {
    const drawn = { ...plan, faults: { ...plan.faults, crash: 0.5, duplicate: 0.3 } };
    const { rest } = await shortest(drawn, told(["seq: 1 after 2"]), breaksWith(2, 7, 8));
    expect(rest.deeds).toEqual([2, 7, 8]);
    expect(rest.without).toContain("duplicate");
    expect(rest.without).not.toContain("crash");
  });

  it("HS4 is another violation's no more than a history without any", async () => {
    const drawn = { ...plan, faults: { ...plan.faults, crash: 0.5 } };
    const { rest } = await shortest(drawn, told(["budget: 41 calls in one minute"]), breaksWith(2));
    expect(rest.deeds).toEqual(everything(plan).deeds);
  });

  it("HS4 is told again by its command", () => {
    const rest = { deeds: [0, 4], without: ["crash", "drop"] as const };
    const words = command(plan, rest).split(" ").slice(4);
    expect(readOptions(words)).toEqual({
      first: 3,
      seeds: 1,
      profile: "full",
      endAtFirst: false,
      deeds: [0, 4],
      without: ["crash", "drop"],
    });
    expect(readOptions(command(plan, { deeds: [], without: [] }).split(" ").slice(4)).deeds).toEqual([]);
  });

  it("HS4 is the same each time it is told", async () => {
    const short = cut(plan, { deeds: [0, 3, 5], without: ["callFails"] });
    expect(await tellPlan(short)).toEqual(await tellPlan(short));
  });
});

it("HS4 a run of a hundred or more in which something never happened fails, unless its profile leaves that out", () => {
  const totals = { dropped: 0, ticks: 3, sent: 0 };
  expect(neverHappened(totals, "full", 100)).toEqual(["dropped", "sent"]);
  expect(neverHappened(totals, "sweep-only", 100)).toEqual(["dropped"]);
  expect(neverHappened(totals, "full", 99)).toEqual([]);
});
