// `npm run dev -- [wrangler flags]`: migrate the local D1, then `wrangler dev` alone, for pointing at a real or
// sandbox RCMS. Flags pass through; cron triggers, which `wrangler dev` leaves out, are fired from here.

import { once } from "node:events";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { fireCron } from "./cron.ts";
import { ensureDevVars } from "./dev-vars.ts";
import { requireFreePort } from "./ports.ts";
import { tell } from "./trouble.ts";
import { migrateLocally, wrangler } from "./wrangler.ts";

const DEFAULT_PORT = "8787";

const flags = process.argv.slice(2);
// Only a look at three of wrangler's flags: what is unknown here is wrangler's to judge.
const { values } = parseArgs({
  args: flags,
  strict: false,
  options: {
    port: { type: "string" },
    "persist-to": { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

try {
  if (values.help !== true) await prepare();
  await run();
} catch (error) {
  tell(error);
  process.exit(1);
}

async function prepare(): Promise<void> {
  const port = Number(values.port ?? DEFAULT_PORT);
  if (port > 0) await requireFreePort(port, "the worker", "Choose another with `npm run dev -- --port N`.");
  if (ensureDevVars()) console.log("Wrote .dev.vars with a random ADMIN_TOKEN and SEALING_KEY.");
  const persistTo = values["persist-to"];
  await migrateLocally(typeof persistTo === "string" ? persistTo : undefined);
}

/** Ends when wrangler ends, and with its exit code. */
async function run(): Promise<void> {
  const child = wrangler(["dev", "--show-interactive-dev-session=false", ...flags], {
    stdio: ["inherit", "pipe", "inherit"],
    colors: process.stdout.isTTY === true,
  });
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      asked = true;
      child.kill(signal);
    });

  let words = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    if (words === "ready") return;
    words = (words + stripVTControlCharacters(chunk.toString())).slice(-4096);
    const origin = /Ready on (https?:\/\/[^\s/]+)/.exec(words)?.[1];
    if (origin === undefined) return;
    words = "ready";
    fireCron(origin);
  });

  const [code] = (await once(child, "exit")) as [number | null];
  // Asked to end, it ended: no failure, whatever number wrangler gives it.
  process.exit(asked ? 0 : (code ?? 1));
}
