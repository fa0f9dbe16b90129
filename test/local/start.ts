// `npm start [-- --once]`: the whole system on this machine, living, until Ctrl-C.

import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { Announced } from "./announced.ts";
import { ensureDevVars } from "./dev-vars.ts";
import { live } from "./live.ts";
import { type LocalSystem, type Step, type StepName, startLocalSystem } from "./local-system.ts";
import { takeLock } from "./lock.ts";
import { once } from "./once.ts";
import { readOptions, type StartOptions } from "./options.ts";
import { requireFreePort } from "./ports.ts";
import { canRedraw, done, during, heading, line, paint, setLive } from "./screen.ts";
import { openSession, populate, type Session } from "./session.ts";
import { lastLines, Trouble, tell } from "./trouble.ts";
import { changeLine, totalsLine } from "./wording.ts";
import { PROJECT } from "./wrangler.ts";

const STATE = join(PROJECT, ".wrangler/start");
const LOG = join(PROJECT, ".wrangler/start.log");
const LOCK = join(PROJECT, ".wrangler/start.lock");

// A change that takes longer than this will not be waited for; the retries of a lost webhook begin at 30 s.
const PATIENCE_MS = 60_000;
const TOTALS_EVERY = 20;
// The local RCMS has no rate limit to respect; the default budget of two calls a second would be what one sees.
const VARS = { UPSTREAM_PER_MINUTE: "6000", UPSTREAM_BURST: "100" };

let system: LocalSystem | undefined;
let session: Session | undefined;
let releaseLock: (() => void) | undefined;
let ending = false;
/** From here on a log of this run may exist. */
let starting = false;

const options = readOptions(process.argv.slice(2));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void interrupted());
// Whoever read our lines has gone, e.g. `npm start | head`.
process.stdout.on("error", () => void end(0));
try {
  const equal = await run(options);
  await end(equal ? 0 : 1);
} catch (error) {
  setLive("");
  tell(error, starting && existsSync(LOG) ? relative(process.cwd(), LOG) : undefined);
  await end(1);
}

async function run({ runOnce, port, rcmsPort, rcmsAdminPort }: StartOptions): Promise<boolean> {
  releaseLock = takeLock(LOCK);
  await requireFreePort(port, "the mirror", "Choose another with `npm start -- --port N`.");
  const elsewhere = "Choose another with `npm start -- --rcms-port N` (its admin port is the next one).";
  await requireFreePort(rcmsPort, "the local RCMS", elsewhere);
  await requireFreePort(rcmsAdminPort, "the local RCMS's admin port", elsewhere);
  heading("rcms-mirror: a local RCMS, the worker in real workerd, and changes on their way");
  heading("from one to the other.");
  line("Nothing leaves this machine; the first start takes a few seconds.");
  line();
  if (ensureDevVars()) done("secrets", "made .dev.vars with random values");

  starting = true;
  system = await startLocalSystem({
    ...{ port, rcmsPort, rcmsAdminPort, persistTo: STATE, logPath: LOG, vars: VARS },
    step: shown(port, rcmsPort),
  });
  const changes: Announced[] = [];
  session = await openSessionShown(system, runOnce ? (change) => changes.push(change) : undefined);
  const workerDied = system.workerEnded.then(() => {
    // We ended it ourselves.
    if (ending) return new Promise<never>(() => {});
    throw new Trouble("The worker has ended unexpectedly. The log ends with:", lastLines(LOG));
  });
  return Promise.race([runOnce ? once(session, changes) : live(session), workerDied]);
}

async function openSessionShown(on: LocalSystem, onChange: ((change: Announced) => void) | undefined) {
  const network = populate(on);
  let shownSoFar = 0;
  const opened = await during("connecting the worker to the local RCMS", () =>
    openSession(on, network, {
      patienceMs: PATIENCE_MS,
      ...(onChange === undefined ? {} : { onChange }),
      onSeen(seen) {
        line(changeLine(network, seen));
        shownSoFar += 1;
        const totals = `  ${totalsLine(opened.totals())}`;
        if (canRedraw()) setLive(totals);
        else if (shownSoFar % TOTALS_EVERY === 0) line(totals);
      },
    }),
  );
  const { webhookId, webhookUrl, key } = opened.connected;
  done("webhook", `${webhookId.slice(0, 8)}… → ${webhookUrl}, registered by the worker itself`);
  done("app key", `${key.slice(0, 8)}… may read everything of this connection`);
  return opened;
}

function shown(port: number, rcmsPort: number): Step {
  const texts: Readonly<Record<StepName, readonly [doing: string, label: string, done: string]>> = {
    database: ["migrating an empty local D1", "database", "an empty local D1, migrated"],
    rcms: ["starting the local RCMS", "local RCMS", `http://127.0.0.1:${rcmsPort}/v1`],
    worker: [
      "bundling the worker and starting it in workerd",
      "worker",
      `http://127.0.0.1:${port} in workerd`,
    ],
  };
  return async (name, work) => {
    const [doing, label, text] = texts[name];
    const began = performance.now();
    const result = await during(doing, work);
    done(label, `${text} ${paint("dim", `(${((performance.now() - began) / 1000).toFixed(1)} s)`)}`);
    return result;
  };
}

/** Ctrl-C is how a run ends, so it is no failure; only a proof that was not finished is none. */
async function interrupted(): Promise<void> {
  if (ending) return;
  setLive("");
  line();
  line(
    session === undefined ? "Ended before everything had started." : `Ended: ${totalsLine(session.totals())}`,
  );
  await end(options.runOnce ? 1 : 0);
}

/** Only the first call counts: ending the worker must not look like its death. */
async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  setLive("");
  session?.close();
  await system?.stop();
  releaseLock?.();
  process.exit(code);
}
