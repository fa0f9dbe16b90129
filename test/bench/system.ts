// Workers side by side in one workerd, each listening at a port of its own, with the bindings wrangler.toml
// declares. Everything they keep is in memory or in a temporary folder of the runtime's, gone when it ends.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Miniflare, V4WorkerOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { PROJECT } from "../local/wrangler.ts";
import type { Bundles, WorkerName } from "./bundles.ts";
import type { Counts } from "./counts.ts";

// The very runtime wrangler uses, wherever its own dependency lies.
const runtime = createRequire(createRequire(import.meta.url).resolve("wrangler"))(
  "miniflare",
) as typeof import("miniflare");

const ADMIN_TOKEN = "bench-admin-token-0123456789";

export type QueueNamed = "mirror-events" | "mirror-jobs" | "mirror-access";

/** A limit beyond anything measured: asking for it stays part of what a read costs. */
const UNLIMITED = 1_000_000_000;

/** A worker's D1, seen from here. */
export type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

export interface WorkerPlan {
  readonly runs: WorkerName;
  /** Its name here; by default that of what it runs. */
  readonly as?: string;
  /** The bare worker has bindings of its own, unless it is to be like the mirror but for its code. */
  readonly boundAs?: "mirror";
  /** Workers that name the same database share it. */
  readonly database?: string;
  readonly vars?: Readonly<Record<string, string>>;
  /** Queues it consumes. Without a consumer the local queue takes messages and drops them. */
  readonly consumes?: readonly QueueNamed[];
  /** Are the tables made before it is used? By default they are. */
  readonly migrates?: boolean;
  /** Messages stay on the queue for so long before anybody sees them. */
  readonly eventDelaySeconds?: number;
}

export interface BenchMessage {
  readonly id: string;
  readonly body: unknown;
}

export interface Running {
  readonly port: number;
  readonly url: string;
  readonly db: Database;
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A batch to its consumer. @throws unless every message was acknowledged */
  consume(queue: string, messages: readonly BenchMessage[]): Promise<void>;
  tick(cron: string): Promise<void>;
  /** Of the metered worker. */
  counts(): Promise<Counts>;
  resetCounts(): Promise<void>;
  /** Of the metered worker with queues held back: what was sent since the last time, by queue. */
  held(): Promise<Readonly<Record<string, readonly unknown[]>>>;
}

export interface BenchSystem {
  worker(name: string): Running;
  close(): Promise<void>;
}

export async function startSystem(bundles: Bundles, plans: readonly WorkerPlan[]): Promise<BenchSystem> {
  const workers = await Promise.all(plans.map((plan) => optionsOf(bundles, plan)));
  const miniflare = new runtime.Miniflare(
    runtime.convertV4MiniflareOptions({
      log: new runtime.Log(runtime.LogLevel.NONE),
      // The worker's own lines: a flood of forged deliveries is told as it is in production, and read by nobody.
      handleStructuredLogs: () => {},
      workers,
    }),
  );
  try {
    await miniflare.ready;
    const running = new Map<string, Running>();
    for (const plan of plans) running.set(nameOf(plan), await runningOf(miniflare, plan));
    return {
      worker(name) {
        const found = running.get(name);
        if (found === undefined) throw new Error(`no worker here is called ${name}`);
        return found;
      },
      close: () => miniflare.dispose(),
    };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

const nameOf = ({ as, runs }: WorkerPlan) => as ?? runs;

async function optionsOf(bundles: Bundles, plan: WorkerPlan): Promise<V4WorkerOptions> {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(PROJECT, "wrangler.toml"));
  const { code } = await bundles(plan.runs);
  const shared = {
    ...workerOptions,
    name: nameOf(plan),
    modules: [{ type: "ESModule", path: "index.js", contents: code }],
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    cronTriggers: [],
    d1Databases: { DB: { id: plan.database ?? nameOf(plan) } },
    bindings: {
      ...{ ADMIN_TOKEN, SEALING_KEY: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
      ...{ ALLOW_HTTP_UPSTREAM: "true", ...plan.vars },
    },
    ratelimits: { READS: { namespace_id: "1001", simple: { limit: UNLIMITED, period: 60 } } },
  } satisfies Partial<V4WorkerOptions>;
  const bare = plan.runs === "bare" && plan.boundAs !== "mirror";
  return (bare ? bareOptions(shared) : mirrorOptions(shared, plan)) as V4WorkerOptions;
}

type Options = Awaited<ReturnType<typeof unstable_getMiniflareWorkerOptions>>["workerOptions"];

function mirrorOptions(options: Options, { consumes = [], eventDelaySeconds }: WorkerPlan): Options {
  const producers = options.queueProducers as Record<string, { queueName: string }>;
  const delay = eventDelaySeconds === undefined ? {} : { deliveryDelay: eventDelaySeconds };
  const consumers = Object.entries(options.queueConsumers as Record<string, object>);
  return {
    ...options,
    queueProducers: { ...producers, EVENTS: { queueName: "mirror-events", ...delay } },
    queueConsumers: Object.fromEntries(consumers.filter(([queue]) => consumes.some((one) => one === queue))),
  };
}

/** No consumers, one queue like the mirror's, one object per record. */
function bareOptions(options: Options): Options {
  return {
    ...options,
    queueProducers: { EVENTS: { queueName: "bare-events" } },
    queueConsumers: {},
    durableObjects: { WRITERS: { className: "NaiveWriter", useSQLite: true } },
  };
}

async function runningOf(miniflare: Miniflare, plan: WorkerPlan): Promise<Running> {
  const name = nameOf(plan);
  const url = (await miniflare.unsafeGetDirectURL(name)).origin;
  const db = await miniflare.getD1Database("DB", name);
  if (plan.migrates ?? true) await migrate(db);
  const fetcher = await miniflare.getWorker(name);
  const ask = async (path: string) => await (await fetch(url + path)).text();
  return {
    ...{ url, db, port: Number(new URL(url).port) },
    async admin(method, path, body) {
      const answer = await fetch(`${url}/admin${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} /admin${path} was answered ${answer.status} ${text}`);
      return (JSON.parse(text) as { data: unknown }).data;
    },
    async consume(queue, messages) {
      const sent = messages.map((message) => ({ ...message, timestamp: new Date(), attempts: 1 }));
      const { outcome, retryMessages, ackAll, explicitAcks } = await fetcher.queue(queue, sent);
      const acknowledged = ackAll ? messages.length : explicitAcks.length;
      if (outcome === "ok" && retryMessages.length === 0 && acknowledged === messages.length) return;
      throw new Error(`${queue}: ${outcome}, ${acknowledged} of ${messages.length} acknowledged`);
    },
    tick: async (cron) => void (await fetcher.scheduled({ cron })),
    counts: async () => JSON.parse(await ask("/bench/counts")) as Counts,
    resetCounts: async () => void (await ask("/bench/reset")),
    held: async () => JSON.parse(await ask("/bench/held")) as Record<string, readonly unknown[]>,
  };
}

async function migrate(db: Database): Promise<void> {
  const applied = await db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'records'").first();
  if (applied !== null) return;
  const folder = join(PROJECT, "migrations");
  for (const file of readdirSync(folder).sort()) {
    const statements = unstable_splitSqlQuery(readFileSync(join(folder, file), "utf8"));
    await db.batch(statements.map((sql) => db.prepare(sql)));
  }
}
