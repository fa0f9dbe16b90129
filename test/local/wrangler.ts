// Wrangler as a child process: found in this project's node_modules, quiet about itself, never phoning home.
// Whatever is still running when this process ends is ended with it.

import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { lastLinesOf, Trouble } from "./trouble.ts";

export const PROJECT = join(import.meta.dirname, "../..");
const WRANGLER = join(PROJECT, "node_modules/wrangler/bin/wrangler.js");

export interface WranglerOptions {
  readonly stdio: StdioOptions;
  /**
   * In its own process group, so that a Ctrl-C meant for us does not reach it first and so that the whole group
   * (wrangler starts further processes) can be ended at once.
   */
  readonly background?: boolean;
  readonly colors?: boolean;
}

const backgrounds = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of backgrounds) signalGroup(child, "SIGKILL");
});

/** @throws Trouble when the dependencies are not installed */
export function wrangler(args: readonly string[], options: WranglerOptions): ChildProcess {
  if (!existsSync(WRANGLER))
    throw new Trouble("Wrangler is not installed here. Run `npm install` first, then try again.");
  const background = options.background ?? false;
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: PROJECT,
    stdio: options.stdio,
    detached: background,
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_HIDE_BANNER: "true",
      FORCE_COLOR: options.colors ? "1" : "0",
    },
  });
  if (background) {
    backgrounds.add(child);
    child.once("exit", () => backgrounds.delete(child));
  }
  return child;
}

/** Signals a background child and everything it started. */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Runs to its end, asking nothing. `output` is what it printed; `stdout` is free of its warnings. */
export function runWrangler(
  args: readonly string[],
): Promise<{ readonly code: number; readonly output: string; readonly stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = wrangler(args, { stdio: ["ignore", "pipe", "pipe"], background: true });
    let output = "";
    let stdout = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      stdout += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output, stdout }));
  });
}

/** Brings the local D1 up to the newest migration. @throws Trouble with wrangler's last words when it cannot */
export async function migrateLocally(persistTo?: string): Promise<void> {
  const where = persistTo === undefined ? [] : ["--persist-to", persistTo];
  const { code, output } = await runWrangler(["d1", "migrations", "apply", "mirror", "--local", ...where]);
  if (code === 0) return;
  throw new Trouble("The local database could not be migrated. Wrangler said:", lastLinesOf(output));
}
