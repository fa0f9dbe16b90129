// The worker in real workerd, through `wrangler dev` as a background process whose output goes to a log file.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLines, Trouble } from "./trouble.ts";
import { signalGroup, wrangler } from "./wrangler.ts";

// Bundling and starting workerd take seconds on an idle machine; a loaded one may need far longer.
const READY_WITHIN_MS = 120_000;
const ENDS_WITHIN_MS = 3_000;

export interface WorkerOptions {
  readonly port: number;
  readonly persistTo: string;
  readonly logPath: string;
  readonly vars: Readonly<Record<string, string>>;
}

export interface LocalWorker {
  /** `http://127.0.0.1:P` */
  readonly url: string;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Resolves once `/healthz` answers. @throws Trouble with the log's last lines when it never does */
export async function startWorker({ port, persistTo, logPath, vars }: WorkerOptions): Promise<LocalWorker> {
  mkdirSync(dirname(logPath), { recursive: true });
  const log = openSync(logPath, "w");
  const flags = Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const child = wrangler(
    [
      "dev",
      ...["--port", String(port), "--ip", "127.0.0.1", "--inspector-port", "0"],
      ...["--persist-to", persistTo, "--show-interactive-dev-session=false", ...flags],
    ],
    { stdio: ["ignore", log, log], background: true },
  );
  closeSync(log);
  let running = true;
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => {
    running = false;
  });
  const worker: LocalWorker = {
    url: `http://127.0.0.1:${port}`,
    ended,
    async stop() {
      signalGroup(child, "SIGTERM");
      await Promise.race([ended, sleep(ENDS_WITHIN_MS, undefined, { ref: false })]);
      // What wrangler started may outlive it.
      signalGroup(child, "SIGKILL");
      await ended;
    },
  };
  try {
    await untilHealthy(worker.url, () => running, logPath);
    return worker;
  } catch (error) {
    await worker.stop();
    throw error;
  }
}

async function untilHealthy(url: string, running: () => boolean, logPath: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(10_000) }).catch(
      () => undefined,
    );
    if (answer?.ok) return;
    // The worker runs and says why it will not work, e.g. a bad value in the environment.
    if (answer?.status === 500) throw new Trouble("The worker refuses to work:", [await reason(answer)]);
    // After a failed build wrangler waits for someone to mend the source.
    const brokenBuild = lastLines(logPath).some((line) => line.includes("Build failed"));
    if (!running() || brokenBuild)
      throw new Trouble("The worker could not be started. The log ends with:", lastLines(logPath));
    await sleep(100);
  }
  throw new Trouble(
    `The worker did not answer within ${READY_WITHIN_MS / 1000} s. The log ends with:`,
    lastLines(logPath),
  );
}

async function reason(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    return String((JSON.parse(text) as { error: { message: string } }).error.message);
  } catch {
    return text.slice(0, 300);
  }
}
