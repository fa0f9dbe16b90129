// `npm run sim`: many histories, on every core, and one line of JSON at the end. A history that breaks a promise is
// told with its seed and the command that replays it.

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Profile } from "./faults.ts";
import { type Told, tellHistory } from "./history.ts";

const PROFILES = ["full", "hooks-only", "sweep-only"] as const;
/** Seeds a worker is given at a time: few enough that no core idles at the end. */
const SLICE = 20;
/** Histories that broke a promise before the run is given up. */
const ENOUGH = 10;

const HELP = `npm run sim -- --seeds N --profile full|hooks-only|sweep-only [--seed S]

  --seeds N      histories to run (default 200)
  --profile P    full: webhooks and sweeps; hooks-only, sweep-only: one of them, so that neither heals the other
  --seed S       the first seed (default 1); with --seeds 1 it replays exactly that history
  --first        ends at the first broken promise
`;

interface Options {
  readonly first: number;
  readonly seeds: number;
  readonly profile: Profile;
  readonly endAtFirst: boolean;
}

const options = readOptions(process.argv.slice(2));
if (options.seeds === 1) await tellOne(options);
else await tellMany(options);

async function tellOne({ first, profile }: Options): Promise<void> {
  const [told, again] = [await tellHistory(first, profile), await tellHistory(first, profile)];
  const sameAgain = told.hash === again.hash;
  console.log(JSON.stringify({ profile, ...told, same_again: sameAgain }));
  process.exitCode = told.violations.length === 0 && sameAgain ? 0 : 1;
}

async function tellMany({ first, seeds, profile, endAtFirst }: Options): Promise<void> {
  const startedAt = performance.now();
  const totals: Record<string, number> = {};
  const broken: Told[] = [];
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
    if (told.violations.length > 0) {
      broken.push(told);
      console.error(`seed ${told.seed}: ${told.violations.slice(0, 3).join("; ")}`);
      console.error(`  npm run sim -- --profile ${profile} --seeds 1 --seed ${told.seed}`);
    }
    if (process.stderr.isTTY && done % 50 === 0) process.stderr.write(`\r${done} of ${seeds} histories`);
  };
  await Promise.all(Array.from({ length: workers }, () => work(take, hear)));
  const [one, again] = [await tellHistory(first, profile), await tellHistory(first, profile)];
  const sameAgain = one.hash === again.hash;
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const never = Object.keys(totals).filter((name) => totals[name] === 0 && !excused(name, profile));
  const violations = broken.map(({ seed, violations: [what] }) => ({ seed, what }));
  console.log(
    JSON.stringify({
      profile,
      seeds: done,
      first_seed: first,
      steps,
      seconds,
      violations,
      same_again: sameAgain,
      never_happened: never,
      counters: totals,
    }),
  );
  const proven = seeds < 100 || never.length === 0;
  process.exitCode = violations.length === 0 && sameAgain && proven ? 0 : 1;
}

/** What a profile leaves out cannot happen in it; a message has to fail a hundred times to be given up. */
function excused(name: string, profile: Profile): boolean {
  if (name === "givenUp" || (name === "dropped" && profile === "hooks-only")) return true;
  const withoutHooks = ["sent", "duplicated", "retried", "disabled"];
  const withoutSweeps = ["ticks", "watermarks", "tombstones", "staleReads", "registered", "disabled"];
  return (profile === "sweep-only" ? withoutHooks : profile === "hooks-only" ? withoutSweeps : []).includes(
    name,
  );
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

function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seeds: { type: "string", default: "200" },
        seed: { type: "string", default: "1" },
        profile: { type: "string", default: "full" },
        first: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const profile = PROFILES.find((name) => name === values.profile);
    if (profile === undefined) throw new Error(`--profile must be one of ${PROFILES.join(", ")}`);
    const [first, seeds] = [whole("--seed", values.seed, 0), whole("--seeds", values.seeds, 1)];
    return { first, seeds, profile, endAtFirst: values.first };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value < 2 ** 32) return value;
  throw new Error(`${name} must be a whole number from ${min} to 4294967295`);
}
