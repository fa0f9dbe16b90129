// One thread runs one mutant: its files are rewritten as they are loaded, then histories are told until one of them
// shows the mistake.

import { registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { Profile } from "../sim/faults.ts";

export interface Orders {
  /** Rewritten files, by their path from the root. */
  readonly texts: ReadonlyMap<string, string>;
  readonly profile: Profile;
  readonly seeds: readonly number[];
  /** Ends at the first history whose violation matches. Absent: every seed is told. */
  readonly until?: RegExp;
}

export type Heard =
  | { readonly is: "telling"; readonly seed: number }
  | { readonly is: "violation"; readonly seed: number; readonly what: string }
  /** A rewritten file was never loaded: the simulation does not run it, so nothing was tried. */
  | { readonly is: "unused"; readonly files: readonly string[] }
  | { readonly is: "done" };

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

const { texts, profile, seeds, until } = workerData as Orders;
const tell = (heard: Heard) => parentPort?.postMessage(heard);
const rewritten = new Map([...texts].map(([file, text]) => [pathToFileURL(join(ROOT, file)).href, text]));
const unused = new Set(texts.keys());

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const text = rewritten.get(url);
    if (text === undefined) return loaded;
    for (const [file, one] of texts) if (one === text) unused.delete(file);
    return { ...loaded, source: text };
  },
});

/** What nobody caught, since the history began. */
const uncaught: unknown[] = [];
process.on("unhandledRejection", (error) => uncaught.push(error));

const { tellHistory } = await import("../sim/history.ts");
if (unused.size > 0) tell({ is: "unused", files: [...unused] });
else {
  for (const seed of seeds) {
    tell({ is: "telling", seed });
    const violations = await violationsOf(seed);
    for (const what of violations) tell({ is: "violation", seed, what });
    if (until && violations.some((what) => until.test(what))) break;
  }
}
tell({ is: "done" });

async function violationsOf(seed: number): Promise<readonly string[]> {
  uncaught.length = 0;
  const violations: string[] = [];
  try {
    violations.push(...(await tellHistory(seed, profile)).violations);
  } catch (error) {
    uncaught.push(error);
  }
  return [
    ...violations,
    ...uncaught.map((error) => `nobody caught: ${error instanceof Error ? error.message : error}`),
  ];
}
