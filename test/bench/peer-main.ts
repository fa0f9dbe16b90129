// The peer as its own process: @supabase/stripe-sync-engine behind the smallest server its documentation shows. It
// lives in a temporary folder; nothing here is a dependency of the project.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface PeerSetUp {
  /** Where it was installed. */
  readonly folder: string;
  readonly databaseUrl: string;
  /** Of the upstream it asks. */
  readonly port: number;
  readonly secret: string;
}

/** What of the peer is used: its documented interface. */
interface Engine {
  readonly StripeSync: new (
    config: object,
  ) => {
    stripe: unknown;
    readonly postgresClient: { query(sql: string): Promise<{ readonly rows: readonly object[] }> };
    processWebhook(payload: Buffer, signature: string | undefined): Promise<void>;
  };
  runMigrations(config: object): Promise<void>;
}

type Said =
  | { readonly ask: "start"; readonly with: PeerSetUp }
  | { readonly ask: "query"; readonly sql: string };

let sync: InstanceType<Engine["StripeSync"]> | undefined;

process.on("message", (said: Said) => {
  answer(said).then(
    (value) => process.send?.({ value }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit(0));

async function answer(said: Said): Promise<unknown> {
  if (said.ask === "start") return start(said.with);
  return (await sync?.postgresClient.query(said.sql))?.rows;
}

/** @returns the port it listens at */
async function start({ folder, databaseUrl, port, secret }: PeerSetUp): Promise<number> {
  const require = createRequire(join(folder, "package.json"));
  const { StripeSync, runMigrations } = require("@supabase/stripe-sync-engine") as Engine;
  const Stripe = require("stripe") as new (key: string, config: object) => unknown;
  const engine = new StripeSync({
    ...{ poolConfig: { connectionString: databaseUrl, max: 10 }, schema: "stripe" },
    ...{ stripeSecretKey: "sk_test_bench", stripeWebhookSecret: secret },
    // As the mirror does: what an event speaks of is fetched, not believed.
    revalidateObjectsViaStripeApi: ["customer"],
  });
  const { rows } = await engine.postgresClient.query("SELECT 1 FROM pg_namespace WHERE nspname = 'stripe'");
  if (rows.length > 0)
    throw new Error("the database has a schema named stripe; it has to be an empty database");
  await migrate(runMigrations, databaseUrl);
  engine.stripe = new Stripe("sk_test_bench", { host: "127.0.0.1", port, protocol: "http" });
  sync = engine;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const signature = String(request.headers["stripe-signature"]);
    const problem = await engine.processWebhook(Buffer.concat(chunks), signature).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const body = JSON.stringify(problem === undefined ? { received: true } : { problem });
    response.writeHead(problem === undefined ? 202 : 500, { "content-type": "application/json" }).end(body);
  });
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** What goes wrong it tells its logger only. */
async function migrate(run: Engine["runMigrations"], databaseUrl: string): Promise<void> {
  const problems: string[] = [];
  const logger = { info: () => {}, error: (error: Error) => problems.push(error.message) };
  await run({ databaseUrl, schema: "stripe", logger });
  if (problems.length > 0) throw new Error(problems.join());
}
