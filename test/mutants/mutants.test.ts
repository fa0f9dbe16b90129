// The seeded mistakes fit the code as it is, and a few of them are tried with every test run; `npm run mutants` tries
// them all.

import { describe, expect, it } from "vitest";
import { MUTANTS } from "./list.ts";
import { applyEdits, type Mutant } from "./mutant.ts";
import { runControl, runMutant, sourceOf } from "./run.ts";

/** Seen in one of the first histories, and each by another promise. */
const QUICK = ["failure-as-done", "reminder-dropped", "no-single-flight"];

const named = (name: string) => MUTANTS.find((mutant) => mutant.name === name) as Mutant;

it.each(MUTANTS)("HS5 $name finds its place in the code, and exactly one", ({ name, edits }) => {
  expect(applyEdits(name, edits, sourceOf).size).toBeGreaterThan(0);
});

it("HS5 there are enough of them, each under a name of its own", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

it("HS5 a mistake that no longer fits the code is an error, never a skip", () => {
  const edit = { file: "a.ts", from: "one", to: "two" };
  expect(() => applyEdits("gone", [edit], () => "nothing")).toThrow("found at 0 places of a.ts");
  expect(() => applyEdits("twice", [edit], () => "one one")).toThrow("found at 2 places of a.ts");
  expect(() => applyEdits("same", [{ ...edit, to: "one" }], () => "one")).toThrow("replaces nothing");
});

describe("seen by the simulation", () => {
  it.each(QUICK)(
    "HS5 %s is seen, and the code as it is passes the same history",
    { timeout: 60_000 },
    async (name) => {
      const { killed, seed, what, mutant } = await runMutant({ ...named(name), seeds: 20 });
      expect(what).toMatch(mutant.seen);
      expect(killed).toBe(true);
      expect(await runControl(mutant.profile, [seed])).toEqual([]);
    },
  );

  it("HS5 what is seen for another reason is no kill", { timeout: 60_000 }, async () => {
    const other = { ...named("reminder-dropped"), seeds: 3, seen: /never said/ };
    expect(await runMutant(other)).toMatchObject({ killed: false, histories: 3 });
  });

  it("HS5 a mistake in what the simulation never runs is an error", { timeout: 60_000 }, async () => {
    const edits = [{ file: "src/cloudflare/log.ts", from: "export function", to: "export  function" }];
    const unseen = { ...named("reminder-dropped"), edits };
    await expect(runMutant(unseen)).rejects.toThrow("never runs src/cloudflare/log.ts");
  });
});
