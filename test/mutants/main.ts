// `npm run mutants`: every seeded mistake has to be seen by the simulation. A table, and one line that says how many
// were; anything below all of them is a failure, and so is a violation in the code as it is.

import { parseArgs } from "node:util";
import type { Profile } from "../sim/faults.ts";
import { MUTANTS } from "./list.ts";
import type { Mutant } from "./mutant.ts";
import { type Outcome, runControl, runMutant, seedsFrom } from "./run.ts";

/** Each is a thread of its own. */
const AT_ONCE = 2;

const HELP = `npm run mutants -- [--only NAME] [--seed S] [--list]

  --only NAME    this mutant alone; may be repeated
  --seed S       the first history of each (default 1): any will do
  --list         what there is, without running it
`;

const { only, list, first } = readOptions();
const chosen = MUTANTS.filter(({ name }) => only.length === 0 || only.includes(name));
if (list) for (const mutant of chosen) console.log(described(mutant));
else await run(chosen);

async function run(mutants: readonly Mutant[]): Promise<void> {
  const startedAt = performance.now();
  const outcomes: Outcome[] = [];
  const left = [...mutants];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
        const { name, seeds } = mutant;
        const outcome = await runMutant(mutant, first, (told) => {
          if (told % 50 === 0) progress(`${name}: ${told} of at most ${seeds} histories`);
        });
        outcomes.push(outcome);
        const verdict = outcome.killed ? `killed by seed ${outcome.seed}` : "ALIVE";
        note(`${outcomes.length} of ${mutants.length}  ${name}: ${verdict} (${outcome.seconds} s)`);
      }
    }),
  );
  const wrong = await control(outcomes);
  const ordered = mutants.flatMap(({ name }) => outcomes.find(({ mutant }) => mutant.name === name) ?? []);
  for (const line of table(ordered)) console.log(line);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const killed = outcomes.filter((outcome) => outcome.killed).length;
  for (const what of wrong) console.log(`the code as it is: ${what}`);
  console.log(`${seconds} s`);
  console.log(`${killed} of ${mutants.length} killed`);
  process.exitCode = killed === mutants.length && wrong.length === 0 && mutants.length > 0 ? 0 : 1;
}

/** The same seeds with the code as it is: without this a violation would say nothing about the mistake. */
async function control(outcomes: readonly Outcome[]): Promise<readonly string[]> {
  const parts = (["full", "hooks-only", "sweep-only"] as const).flatMap((profile: Profile) => {
    const most = Math.max(
      0,
      ...outcomes.flatMap((one) => (one.mutant.profile === profile ? one.histories : [])),
    );
    const seeds = seedsFrom(first, most);
    const half = Math.ceil(most / 2);
    return [seeds.slice(0, half), seeds.slice(half)].map((part) => ({ profile, seeds: part }));
  });
  const all = parts.reduce((sum, { seeds }) => sum + seeds.length, 0);
  let told = 0;
  const wrong: string[] = [];
  const left = parts.filter(({ seeds }) => seeds.length > 0);
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let part = left.shift(); part !== undefined; part = left.shift()) {
        const found = await runControl(part.profile, part.seeds, () => {
          if (++told % 50 === 0) progress(`the code as it is: ${told} of ${all} histories`);
        });
        wrong.push(...found);
      }
    }),
  );
  note(`the code as it is, over the same ${all} seeds: ${wrong.length} violations`);
  return wrong;
}

function table(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.flatMap(({ mutant, killed, seed, histories, what, seconds }) => {
    const files = [...new Set(mutant.edits.map(({ file }) => file))].join(" + ");
    const fate = killed
      ? `killed by seed ${seed} after ${histories} histories (${seconds} s)`
      : `ALIVE after ${histories} histories (${seconds} s)`;
    return [
      `${mutant.name}${mutant.pair === undefined ? "" : " (pair)"}: ${mutant.mistake}`,
      `  ${files}`,
      `  ${mutant.profile}: ${fate}`,
      `  ${killed ? "seen" : "seen instead"}: ${short(what ?? "nothing")}`,
    ];
  });
}

function described({ name, mistake, edits, profile, seeds, pair }: Mutant): string {
  const files = [...new Set(edits.map(({ file }) => file))].join(" + ");
  const why = pair === undefined ? "" : `\n  a pair: ${pair}`;
  return `${name}: ${mistake}\n  ${files}; ${profile}, at most ${seeds} histories${why}`;
}

function short(text: string): string {
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}

function note(line: string): void {
  console.error(process.stderr.isTTY ? `\r\x1b[K${line}` : line);
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

function readOptions(): { readonly only: readonly string[]; readonly list: boolean; readonly first: number } {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true, default: [] },
        seed: { type: "string", default: "1" },
        list: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const unknown = values.only.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
    if (unknown.length > 0) throw new Error(`no mutant is called ${unknown.join(", ")}`);
    const first = Number(values.seed);
    if (!Number.isInteger(first) || first < 0) throw new Error("--seed must be a whole number from 0");
    return { only: values.only, list: values.list, first };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}
