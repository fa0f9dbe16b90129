// What is uploaded, and how long a fresh runtime takes to its first answer.

import { type Bench, runsOf } from "./bench.ts";
import { type Row, row } from "./report.ts";
import { figure } from "./statistics.ts";
import { startSystem } from "./system.ts";

export async function measureShipping(bench: Bench): Promise<readonly Row[]> {
  const { gzipBytes, code } = await bench.bundles("mirror");
  const beyond: number[] = [];
  const whole: number[] = [];
  for (let run = 0; run <= runsOf(bench); run++) {
    const took = { bare: 0, mirror: 0 };
    const turns = ["bare", "mirror"] as const;
    for (const runs of run % 2 === 0 ? turns : turns.toReversed())
      took[runs] = await firstAnswerMs(bench, runs);
    if (run === 0) continue;
    beyond.push(took.mirror - took.bare);
    whole.push(took.mirror);
  }
  return [
    row(gzipBytes / 1_024, {
      ...{ what: "bundle, gzip", against: "–", aim: { atMost: 120 }, unit: " KiB", digits: 0 },
      note: `${(code.length / 1_024).toFixed(0)} KiB unpacked`,
    }),
    row(figure(beyond), {
      what: "start-up: the first answer of a fresh workerd",
      against: "bare Hono's first answer, the same bindings",
      ...{ aim: { atMost: 50 }, unit: " ms more", digits: 0 },
      note: `${figure(whole).median.toFixed(0)} ms with the runtime's own start`,
    }),
  ];
}

/** With the same bindings, which take the runtime longer than any code does. */
async function firstAnswerMs(bench: Bench, runs: "mirror" | "bare"): Promise<number> {
  await bench.bundles(runs);
  const startedAt = performance.now();
  const system = await startSystem(bench.bundles, [{ runs, boundAs: "mirror", migrates: false }]);
  try {
    const { url } = system.worker(runs);
    const [path, status] = runs === "mirror" ? ["/v1/clients", 401] : ["/constant", 200];
    const answer = await fetch(url + path);
    await answer.text();
    if (answer.status !== status) throw new Error(`the first answer was ${answer.status}`);
    return performance.now() - startedAt;
  } finally {
    await system.close();
  }
}
