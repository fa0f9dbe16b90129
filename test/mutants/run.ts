// Runs mutants, each in a thread of its own, and the same histories with the code as it is.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Profile } from "../sim/faults.ts";
import { applyEdits, type Mutant } from "./mutant.ts";
import type { Heard, Orders } from "./thread.ts";

const ROOT = join(import.meta.dirname, "../..");
/** A history takes a twentieth of a second: whatever has not ended by then loops. */
const NEVER_ENDS_MS = 60_000;

export interface Outcome {
  readonly mutant: Mutant;
  readonly killed: boolean;
  /** The history that showed it; without a kill the last one told. */
  readonly seed: number;
  readonly histories: number;
  /** What was seen; without a kill whatever else went wrong. */
  readonly what?: string;
  readonly seconds: number;
}

export const sourceOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** @throws when an edit does not apply, or changes what the simulation does not run */
export async function runMutant(
  mutant: Mutant,
  first = 1,
  onHistory = (_told: number) => {},
): Promise<Outcome> {
  const startedAt = performance.now();
  const texts = applyEdits(mutant.name, mutant.edits, sourceOf);
  let killer: { readonly seed: number; readonly what: string } | undefined;
  let other: string | undefined;
  let told = 0;
  let last = 0;
  await runThread(
    { texts, profile: mutant.profile, seeds: seedsFrom(first, mutant.seeds), until: mutant.seen },
    (heard) => {
      if (heard.is === "telling") {
        last = heard.seed;
        onHistory(++told);
      } else if (heard.is === "violation") {
        if (!mutant.seen.test(heard.what)) other ??= `seed ${heard.seed}: ${heard.what}`;
        else killer ??= heard;
      } else if (heard.is === "unused") {
        throw new Error(`${mutant.name}: the simulation never runs ${heard.files.join(", ")}`);
      }
    },
  );
  const what = killer?.what ?? other;
  return {
    mutant,
    killed: killer !== undefined,
    seed: killer?.seed ?? last,
    histories: told,
    ...(what === undefined ? {} : { what }),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

/** The code as it is, over these seeds. @returns what went wrong, which must be nothing */
export async function runControl(
  profile: Profile,
  seeds: readonly number[],
  onHistory = () => {},
): Promise<readonly string[]> {
  const wrong: string[] = [];
  await runThread({ texts: new Map(), profile, seeds }, (heard) => {
    if (heard.is === "telling") onHistory();
    if (heard.is === "violation") wrong.push(`${profile}, seed ${heard.seed}: ${heard.what}`);
  });
  return wrong;
}

export const seedsFrom = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => first + i);

/**
 * A history that does not end is itself a violation, in these words; it counts as a kill only for a mutant that is
 * to be seen by them.
 */
function runThread(orders: Orders, hear: (heard: Heard) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(join(import.meta.dirname, "thread.ts"), { workerData: orders });
    let seed = 0;
    const neverEnds = () => {
      hear({ is: "violation", seed, what: "the history never ended" });
      void thread.terminate().then(() => resolve());
    };
    let watch = setTimeout(neverEnds, NEVER_ENDS_MS);
    thread.on("message", (heard: Heard) => {
      clearTimeout(watch);
      if (heard.is === "done") return void thread.terminate().then(() => resolve());
      if (heard.is === "telling") seed = heard.seed;
      watch = setTimeout(neverEnds, NEVER_ENDS_MS);
      try {
        hear(heard);
      } catch (error) {
        clearTimeout(watch);
        void thread.terminate().then(() => reject(error));
      }
    });
    thread.on("error", (error) => {
      clearTimeout(watch);
      reject(error);
    });
  });
}
