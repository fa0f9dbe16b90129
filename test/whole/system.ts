// The whole system as a test sees it: the local RCMS in this process, and the worker in real workerd as processes
// that can be killed and started again on the same folder and port.

import type { ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type FakeRcms, startFakeRcms } from "../fake-rcms/server.ts";
import { ensureDevVars, localAdminToken } from "../local/dev-vars.ts";
import { freePort } from "../local/ports.ts";
import { lastLines } from "../local/trouble.ts";
import { migrateLocally, signalGroup, wrangler } from "../local/wrangler.ts";
import { eventually } from "./eventually.ts";

/** No test here is about the budget of calls, and the local RCMS has none to respect. */
const VARS = { ALLOW_HTTP_UPSTREAM: "true", UPSTREAM_PER_MINUTE: "6000", UPSTREAM_BURST: "1000" };

const TICK = "/cdn-cgi/handler/scheduled?cron=*/15+*+*+*+*";

export interface WholeSystem {
  /** `http://127.0.0.1:P`, the same in every life of the worker. */
  readonly url: string;
  readonly adminToken: string;
  readonly fake: FakeRcms;
  /** Everything the worker keeps. */
  readonly folder: string;
  /** What the worker's processes printed, in all their lives. */
  log(): string;
  /** SIGKILL to every process of the worker at once. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  /** Fires the quarter-hourly cron, which nothing fires locally. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/** @param vars the worker's, over the ones for local work */
export async function startWhole(vars: Readonly<Record<string, string>> = {}): Promise<WholeSystem> {
  ensureDevVars();
  const home = mkdtempSync(join(tmpdir(), "rcms-mirror-whole-"));
  const folder = join(home, "state");
  const logPath = join(home, "worker.log");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let fake: FakeRcms | undefined;

  async function kill(): Promise<void> {
    const dying = child;
    child = undefined;
    if (dying === undefined) return;
    const ended = new Promise<void>((resolve) => {
      if (dying.exitCode !== null || dying.signalCode !== null) resolve();
      else dying.once("exit", () => resolve());
    });
    signalGroup(dying, "SIGKILL");
    await ended;
    // The processes wrangler started end on their own time; until then the port is theirs.
    await eventually(async () => expect(await answers(url)).toBe(false));
  }

  async function start(): Promise<void> {
    const log = openSync(logPath, "a");
    const flags = Object.entries({ ...VARS, ...vars }).flatMap(([name, value]) => [
      "--var",
      `${name}:${value}`,
    ]);
    const started = wrangler(
      [
        ...["dev", "--port", String(port), "--ip", "127.0.0.1", "--inspector-port", "0"],
        ...["--persist-to", folder, "--show-interactive-dev-session=false", ...flags],
      ],
      { stdio: ["ignore", log, log], background: true },
    );
    child = started;
    closeSync(log);
    await eventually(async () => {
      if (started.exitCode !== null) throw new Error(`wrangler ended: ${lastLines(logPath).join("\n")}`);
      expect(await answers(url)).toBe(true);
    });
  }

  async function stop(): Promise<void> {
    await kill();
    await fake?.close();
    rmSync(home, { recursive: true, force: true });
  }

  try {
    await migrateLocally(folder);
    fake = await startFakeRcms();
    await start();
    return {
      ...{ url, folder, fake, kill, start, stop },
      adminToken: localAdminToken(),
      log: () => readFileSync(logPath, "utf8"),
      async tick() {
        const answer = await fetch(url + TICK);
        expect(answer.status, await answer.text()).toBe(200);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(10_000) }).catch(
    () => undefined,
  );
  return answer?.ok ?? false;
}
