// The workers as wrangler would ship them: bundled by its own dry run, into a folder that is thrown away.

import { readFileSync } from "node:fs";
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
  mirror: { config: "wrangler.toml", main: "src/index.ts" },
  bare: { config: "test/bench/bare.toml", main: "test/bench/bare.ts" },
  metered: { config: "test/bench/metered.toml", main: "test/bench/metered.ts" },
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

async function build(name: WorkerName, folder: string): Promise<Bundle> {
  const { config, main } = MAINS[name];
  const asked = ["deploy", "--dry-run", "--config", join(PROJECT, config), "--outdir", folder];
  const { code, output } = await runWrangler(asked);
  if (code !== 0)
    throw new Trouble(`The ${name} worker could not be bundled. Wrangler said:`, lastLinesOf(output));
  const text = readFileSync(join(folder, basename(main).replace(/\.ts$/, ".js")), "utf8");
  return { code: text.replace(/\n\/\/# sourceMappingURL=.*/, ""), gzipBytes: gzipSync(text).length };
}
