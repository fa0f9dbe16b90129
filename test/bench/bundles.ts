// The workers as wrangler would ship them: bundled by its own dry run, into a folder that is thrown away.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { lastLinesOf, Trouble } from "../local/trouble.ts";
import { PROJECT, runWrangler } from "../local/wrangler.ts";

export interface Bundle {
  readonly code: string;
  /** What an upload weighs, by our own gzip. */
  readonly gzipBytes: number;
}

const MAINS = {
  mirror: "src/index.ts",
  bare: "test/bench/bare.ts",
  metered: "test/bench/metered.ts",
} as const;

export type WorkerName = keyof typeof MAINS;

export type Bundles = (name: WorkerName) => Promise<Bundle>;

/** Each worker is bundled once, when it is first asked for. */
export function createBundles(folder: string): Bundles {
  const made = new Map<WorkerName, Promise<Bundle>>();
  return (name) => {
    const bundle = made.get(name) ?? build(name, join(folder, name));
    made.set(name, bundle);
    return bundle;
  };
}

/**
 * By wrangler.toml as it stands, its main apart. The copy lies where the bundle goes, because wrangler leaves its own
 * folder beside the configuration it reads.
 */
async function build(name: WorkerName, folder: string): Promise<Bundle> {
  const main = MAINS[name];
  const declared = readFileSync(join(PROJECT, "wrangler.toml"), "utf8");
  const copy = join(folder, "wrangler.toml");
  mkdirSync(folder, { recursive: true });
  writeFileSync(copy, declared.replace(/^main = .*$/m, `main = ${JSON.stringify(join(PROJECT, main))}`));
  const out = join(folder, "out");
  const { code, output } = await runWrangler(["deploy", "--dry-run", "--config", copy, "--outdir", out]);
  if (code !== 0)
    throw new Trouble(`The ${name} worker could not be bundled. Wrangler said:`, lastLinesOf(output));
  const text = readFileSync(join(out, basename(main).replace(/\.ts$/, ".js")), "utf8");
  return { code: text.replace(/\n\/\/# sourceMappingURL=.*/, ""), gzipBytes: gzipSync(text).length };
}
