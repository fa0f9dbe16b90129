// What is deployed, as wrangler makes it: small, because an isolate starts by reading it.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { runWrangler } from "../local/wrangler.ts";

it("CO3 the bundle is at most 120 KB gzip, and its source map lies beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bundle-"));
  try {
    const { code, output } = await runWrangler(["deploy", "--dry-run", "--outdir", folder]);
    expect(code, output).toBe(0);
    const bundle = await readFile(join(folder, "index.js"));
    expect(gzipSync(bundle).length).toBeLessThanOrEqual(120_000);
    const { sources } = JSON.parse(await readFile(join(folder, "index.js.map"), "utf8")) as {
      sources: string[];
    };
    expect(sources.some((source) => source.endsWith("src/store/commit.ts"))).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
