// `npm run sim`: many histories, on every core, and one line of JSON at the end. A history that breaks a promise is
// told with its seed, the shortest form of it that was found, and the command that replays it.

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe } from "./deeds.ts";
import { FAULT_NAMES } from "./faults.ts";
import { type Told, tellHistory, tellPlan } from "./history.ts";
import { type Options, readOptions } from "./options.ts";
import { drawPlan } from "./plan.ts";
import { neverHappened } from "./rare.ts";
import { command, cut, everything, shortest } from "./shrink.ts";

/** Seeds a worker is given at a time: few enough that no core idles at the end. */
const SLICE = 20;
/** Histories that broke a promise before the run is given up. */
const ENOUGH = 10;
/** Of those, how many are shortened: it takes a while, and they are mostly the same. */
const SHORTENED = 2;
/** One history in so many is told twice, to see that it is the same. */
const TWICE_EVERY = 500;

const options = readOptions(process.argv.slice(2));
if (options.seeds === 1) await tellOne(options);
else await tellMany(options);

async function tellOne({ first, profile, deeds, without }: Options): Promise<void> {
  const drawn = drawPlan(first, profile);
  const rest = { deeds: deeds ?? everything(drawn).deeds, without };
  const plan = cut(drawn, rest);
  const [told, again] = [await tellPlan(plan), await tellPlan(plan)];
  const sameAgain = told.hash === again.hash;
  if (told.violations.length > 0 && deeds === undefined) await explain(told, profile);
  const what = { profile, ...told, same_again: sameAgain, shape: plan.shape, fault_rates: plan.faults };
  console.log(JSON.stringify({ ...what, deeds: plan.deeds.map(describe) }));
  process.exitCode = told.violations.length === 0 && sameAgain ? 0 : 1;
}

/** To a person: what was broken, in how short a history, and how to see it again. */
async function explain(broken: Told, profile: Options["profile"]): Promise<void> {
  const drawn = drawPlan(broken.seed, profile);
  const { rest, told } = await shortest(drawn, broken);
  const { deeds, faults, shape } = cut(drawn, rest);
  const rates = FAULT_NAMES.filter((name) => faults[name] !== 0).map(
    (name) => `${name} ${Number(faults[name].toFixed(3))}`,
  );
  console.error(`seed ${broken.seed}: ${told.violations.slice(0, 3).join("; ")}`);
  console.error(`  the shortest history found, ${deeds.length} of ${drawn.deeds.length} deeds:`);
  console.error(`    ${JSON.stringify(shape)}${drawn.whole ? ", everything read at the start" : ""}`);
  console.error(`    faults: ${rates.join(", ") || "none"}`);
  for (const deed of deeds) console.error(`    ${describe(deed)}`);
  console.error(`  ${command(drawn, rest)}`);
}

async function tellMany({ first, seeds, profile, endAtFirst }: Options): Promise<void> {
  const startedAt = performance.now();
  const totals: Record<string, number> = {};
  const rates: Record<string, number> = {};
  const broken: Told[] = [];
  const differing: number[] = [];
  let next = first;
  let done = 0;
  let steps = 0;
  const end = first + seeds;
  const enough = endAtFirst ? 1 : ENOUGH;
  const workers = Math.min(availableParallelism(), Math.ceil(seeds / SLICE));
  const take = () => {
    const from = next;
    next = broken.length >= enough ? end : Math.min(end, next + SLICE);
    return { from, to: next, profile };
  };
  const hear = (told: Told) => {
    done++;
    steps += told.steps;
    for (const [name, value] of Object.entries(told.counters)) totals[name] = (totals[name] ?? 0) + value;
    for (const [name, rate] of Object.entries(told.faults)) rates[name] = (rates[name] ?? 0) + Math.abs(rate);
    if (told.violations.length > 0) broken.push(told);
    if (process.stderr.isTTY && done % 50 === 0) process.stderr.write(`\r${done} of ${seeds} histories`);
  };
  await Promise.all(Array.from({ length: workers }, () => work(take, hear)));
  for (let seed = first; seed < end; seed += Math.max(TWICE_EVERY, Math.ceil(seeds / 10))) {
    const [one, again] = [await tellHistory(seed, profile), await tellHistory(seed, profile)];
    if (one.hash !== again.hash) differing.push(seed);
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  for (const [i, told] of broken.slice(0, enough).entries()) {
    if (i < SHORTENED) await explain(told, profile);
    else
      console.error(
        `seed ${told.seed}: ${told.violations[0]}\n  ${command(drawPlan(told.seed, profile), everything(drawPlan(told.seed, profile)))}`,
      );
  }
  const never = neverHappened(totals, profile, seeds);
  console.log(
    JSON.stringify({
      profile,
      seeds: done,
      first_seed: first,
      steps,
      seconds,
      violations: broken.map(({ seed, violations: [what] }) => ({ seed, what })),
      same_again: differing.length === 0,
      ...(differing.length === 0 ? {} : { not_the_same_again: differing }),
      never_happened: never,
      mean_fault_rates: Object.fromEntries(
        Object.entries(rates).map(([name, sum]) => [name, Number((sum / done).toFixed(4))]),
      ),
      died_share: share(totals.invocationsDied, totals.invocations),
      counters: totals,
    }),
  );
  process.exitCode = broken.length === 0 && differing.length === 0 && never.length === 0 ? 0 : 1;
}

function share(of = 0, all = 0): number {
  return Number((of / Math.max(1, all)).toFixed(4));
}

function work(take: () => { readonly from: number; readonly to: number }, hear: (told: Told) => void) {
  return new Promise<void>((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.resolve("./worker.ts")));
    const go = () => {
      const slice = take();
      if (slice.from < slice.to) worker.postMessage(slice);
      else void worker.terminate().then(() => resolve());
    };
    worker.on("message", (message: readonly Told[]) => {
      message.forEach(hear);
      go();
    });
    worker.on("error", reject);
    go();
  });
}
