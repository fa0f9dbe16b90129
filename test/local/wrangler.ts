// Wrangler as a child process: found in this project's node_modules, quiet about itself, never phoning home.

import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const WRANGLER = fileURLToPath(new URL("../../node_modules/wrangler/bin/wrangler.js", import.meta.url));

export function wrangler(args: readonly string[], stdio: StdioOptions): ChildProcess {
  return spawn(process.execPath, [WRANGLER, ...args], {
    cwd: PROJECT,
    stdio,
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_HIDE_BANNER: "true",
      FORCE_COLOR: process.stdout.isTTY ? "1" : "0",
    },
  });
}

/** Runs to its end. @returns the exit code and what it printed */
export function runWrangler(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = wrangler(args, ["ignore", "pipe", "pipe"]);
    let output = "";
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Brings the local D1 up to the newest migration. @throws with wrangler's words when it cannot */
export async function migrateLocally(persistTo?: string): Promise<void> {
  const where = persistTo === undefined ? [] : ["--persist-to", persistTo];
  const { code, output } = await runWrangler(["d1", "migrations", "apply", "mirror", "--local", ...where]);
  if (code !== 0) throw new Error(`the local database could not be migrated:\n${output.trim()}`);
}
