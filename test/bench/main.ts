// `npm run bench`: one table of ratios. No timing here is ever a test.

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { tell } from "../local/trouble.ts";
import { PROJECT } from "../local/wrangler.ts";
import { measureAcks } from "./acks.ts";
import type { Bench, Measurement } from "./bench.ts";
import { measureBilling } from "./billing.ts";
import { createBundles } from "./bundles.ts";
import { measureBursts } from "./bursts.ts";
import { measureGrowth } from "./growth.ts";
import { measureHydration } from "./hydrate.ts";
import { startLoad } from "./load.ts";
import { readOptions } from "./options.ts";
import { measurePeer } from "./peer.ts";
import { measureReadable } from "./readable.ts";
import { measureReads } from "./reads.ts";
import { asMarkdown, asText, type Row, writeReadme } from "./report.ts";
import { measureShipping } from "./shipping.ts";

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  acks: measureAcks,
  readable: measureReadable,
  bursts: measureBursts,
  hydrate: measureHydration,
  reads: measureReads,
  growth: measureGrowth,
  billing: measureBilling,
  shipping: measureShipping,
};

const options = readOptions(process.argv.slice(2), Object.keys(MEASUREMENTS));
const folder = mkdtempSync(join(tmpdir(), "rcms-mirror-bench-"));
const load = startLoad();
const say = (line: string) => console.error(line);
const end = () => {
  load.close();
  rmSync(folder, { recursive: true, force: true });
};
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
process.once("exit", end);

try {
  const bench: Bench = { bundles: createBundles(folder), load, quick: options.quick, say };
  const rows = await measureAll(bench);
  print(rows);
} catch (error) {
  tell(error);
  process.exitCode = 1;
}
process.exit();

async function measureAll(bench: Bench): Promise<readonly Row[]> {
  if (options.peer) return measurePeer(bench, join(folder, "peer"));
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    const startedAt = performance.now();
    rows.push(...(await measure(bench)));
    say(`${name}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  }
  return rows;
}

function print(rows: readonly Row[]): void {
  const { form, readme, machine = thisMachine() } = options;
  const at = new Date().toISOString().slice(0, 10);
  const command = ["npm run bench", ...asked()].join(" ");
  const below = `${at}, ${machine}, Node ${process.versions.node}: \`${command}\``;
  if (form === "json") console.log(JSON.stringify({ at, machine, command, rows }, null, 2));
  else console.log(`${form === "markdown" ? asMarkdown(rows) : asText(rows)}\n\n${below}`);
  if (readme) writeReadme(join(PROJECT, "README.md"), `${asMarkdown(rows)}\n\n${below}.`);
}

function thisMachine(): string {
  return `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB`;
}

/** What of the command line says what was measured. */
function asked(): readonly string[] {
  const { only, quick, peer } = options;
  const said = [
    ...(only ? [`--only ${only.join()}`] : []),
    ...(quick ? ["--quick"] : []),
    ...(peer ? ["--peer"] : []),
  ];
  return said.length === 0 ? [] : ["--", ...said];
}
