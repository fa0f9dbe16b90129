// What is uploaded, and how long a fresh runtime takes to its first answers.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Bench, runsOf } from "./bench.ts";
import { type Row, row } from "./report.ts";
import { figure } from "./statistics.ts";
import { startSystem } from "./system.ts";

/** Workers in one runtime: what one more costs is then more than what a start differs from the next. */
const SIDE_BY_SIDE = 8;

export async function measureShipping(bench: Bench): Promise<readonly Row[]> {
  const { gzipBytes, code } = await bench.bundles("mirror");
  const beyond: number[] = [];
  const whole: number[] = [];
  for (let run = 0; run <= runsOf(bench); run++) {
    const took = { bare: 0, mirror: 0 };
    const turns = ["bare", "mirror"] as const;
    for (const runs of run % 2 === 0 ? turns : turns.toReversed())
      took[runs] = await firstAnswersMs(bench, runs);
    if (run === 0) continue;
    beyond.push((took.mirror - took.bare) / SIDE_BY_SIDE);
    whole.push(took.mirror);
  }
  return [
    row(gzipBytes / 1_024, {
      ...{ what: "bundle, gzip", against: "–", aim: { atMost: 120 }, unit: " KiB", digits: 0 },
      note: `${(code.length / 1_024).toFixed(0)} KiB unpacked`,
    }),
    row(figure(beyond), {
      what: "start-up: a worker's part of the time a fresh workerd takes to its first answer",
      against: "bare Hono's part, the same bindings",
      ...{ aim: { atMost: 50 }, unit: " ms more", digits: 0 },
      note: `${SIDE_BY_SIDE} of them: ${figure(whole).median.toFixed(0)} ms, the runtime's own start included`,
    }),
  ];
}

/**
 * From the runtime's birth until each of its workers has answered once. With the same bindings, which take it longer
 * than any code does.
 */
async function firstAnswersMs(bench: Bench, runs: "mirror" | "bare"): Promise<number> {
  await bench.bundles(runs);
  let bornAt = Number.NaN;
  const born = () => {
    bornAt = performance.now();
  };
  subscribe("child_process", born);
  const names = Array.from({ length: SIDE_BY_SIDE }, (_, n) => `${runs}-${n}`);
  const plans = names.map((as) => ({ runs, as, boundAs: "mirror", migrates: false }) as const);
  const system = await startSystem(bench.bundles, plans);
  try {
    const [path, status] = runs === "mirror" ? ["/v1/clients", 401] : ["/constant", 200];
    for (const name of names) {
      const answer = await fetch(system.worker(name).url + path);
      await answer.text();
      if (answer.status !== status) throw new Error(`the first answer was ${answer.status}`);
    }
    if (Number.isNaN(bornAt)) throw new Error("nobody saw the runtime being born");
    return performance.now() - bornAt;
  } finally {
    unsubscribe("child_process", born);
    await system.close();
  }
}
