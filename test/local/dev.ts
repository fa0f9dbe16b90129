// `npm run dev -- [wrangler flags]`: migrate the local D1, then `wrangler dev` alone, for pointing at a real or
// sandbox RCMS. Flags pass through.

import { ensureDevVars } from "./dev-vars.ts";
import { migrateLocally, wrangler } from "./wrangler.ts";

const flags = process.argv.slice(2);
if (ensureDevVars()) console.log("Wrote .dev.vars with a random ADMIN_TOKEN and SEALING_KEY.");
await migrateLocally(flagValue("--persist-to"));

const child = wrangler(["dev", "--show-interactive-dev-session=false", ...flags], "inherit");
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 0;
});

function flagValue(name: string): string | undefined {
  const at = flags.findIndex((flag) => flag === name || flag.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return flags[at]?.includes("=") ? flags[at]?.slice(name.length + 1) : flags[at + 1];
}
