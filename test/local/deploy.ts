// `npm run deploy -- [wrangler deploy flags]`: database, tables, worker, in this order. On an empty account
// `wrangler deploy` provisions by name whatever does not exist yet, queues included; only the database is made
// before it, so that no version of the worker ever runs without its tables. A migration therefore meets the worker
// of before: it must leave that one working.

import { once } from "node:events";
import { lastLinesOf, Trouble, tell } from "./trouble.ts";
import { runWrangler, wrangler } from "./wrangler.ts";

const DATABASE = "mirror";
const SECRETS = {
  ADMIN_TOKEN: "the operator's token, at least 24 characters, e.g. `openssl rand -base64 24`",
  SEALING_KEY:
    "base64 of 32 random bytes, e.g. `openssl rand -base64 32`; keep a copy, what it sealed needs it",
} as const;

const flags = process.argv.slice(2);
// Flags of `wrangler deploy` that change nothing remotely.
const onlyLooks = ["--dry-run", "--help", "-h"].some((flag) => flags.includes(flag));
try {
  if (onlyLooks) await attended(["deploy", ...flags], "Wrangler could not do that.");
  else await deploy();
} catch (error) {
  tell(error);
  process.exitCode = 1;
}

async function deploy(): Promise<void> {
  await requireAccount();
  await ensureDatabase();
  console.log(`Migrating the database ${DATABASE} …`);
  const migrate = ["d1", "migrations", "apply", DATABASE, "--remote"];
  await attended(migrate, `The database ${DATABASE} could not be migrated; no new worker was deployed.`);
  console.log("Deploying the worker …");
  await attended(["deploy", ...flags], "The worker could not be deployed; the database is migrated already.");
  await remindOfSecrets();
}

/** Everything after this asks no questions of its own that a missing login or a second account would raise. */
async function requireAccount(): Promise<void> {
  const { code, stdout, output } = await runWrangler(["whoami", "--json"]);
  const known = parse<{ loggedIn?: boolean; accounts?: readonly { id: string; name: string }[] }>(stdout);
  if (known?.loggedIn === false)
    throw new Trouble(
      "You are not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN, then try again.",
    );
  if (code !== 0 || known === undefined)
    throw new Trouble("Cloudflare could not be asked who you are. Wrangler said:", lastLinesOf(output));
  const accounts = known.accounts ?? [];
  if (accounts.length > 1 && process.env.CLOUDFLARE_ACCOUNT_ID === undefined)
    throw new Trouble(
      "You have more than one Cloudflare account. Say which one with CLOUDFLARE_ACCOUNT_ID=<id>:",
      accounts.map(({ id, name }) => `${id}  ${name}`),
    );
}

async function ensureDatabase(): Promise<void> {
  const listed = await runWrangler(["d1", "list", "--json"]);
  const databases = parse<readonly { name: string }[]>(listed.stdout);
  if (listed.code !== 0 || databases === undefined)
    throw new Trouble(
      "The account's databases could not be listed. Wrangler said:",
      lastLinesOf(listed.output),
    );
  if (databases.some(({ name }) => name === DATABASE)) return;

  console.log(`Creating the database ${DATABASE} …`);
  // The binding in wrangler.toml finds it by its name.
  const created = await runWrangler(["d1", "create", DATABASE, "--update-config=false"]);
  // Somebody else may have been faster.
  if (created.code === 0 || created.output.includes("already exists")) return;
  throw new Trouble(
    `The database ${DATABASE} could not be created; nothing was deployed. Wrangler said:`,
    lastLinesOf(created.output),
  );
}

/** A worker without its secrets answers 500 to everything and takes nothing from the queues: useless, harmless. */
async function remindOfSecrets(): Promise<void> {
  const { code, stdout } = await runWrangler(["secret", "list", "--format", "json"]);
  const present = parse<readonly { name: string }[]>(stdout)?.map(({ name }) => name);
  const missing = Object.entries(SECRETS).filter(([name]) => !present?.includes(name));
  if (code === 0 && missing.length === 0) return;
  const unsure = code !== 0 || present === undefined;
  console.log(
    unsure
      ? "\nWhich secrets are set could not be asked. The worker answers 500 until it has both of these:"
      : "\nThe worker answers 500 until it has its secrets. Still missing:",
  );
  for (const [name, what] of missing) console.log(`  npx wrangler secret put ${name}    # ${what}`);
}

/** Runs in the foreground: wrangler may ask, e.g. for the name of a workers.dev subdomain. */
async function attended(args: readonly string[], failure: string): Promise<void> {
  const child = wrangler(args, { stdio: "inherit", colors: process.stdout.isTTY === true });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Trouble(`${failure} Wrangler's own words are above.`);
}

/** @returns undefined when it is not JSON */
function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
