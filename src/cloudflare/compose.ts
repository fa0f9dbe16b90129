// Composition: the one place that knows which implementation stands behind each port.

import { createHash } from "node:crypto";
import { drizzle } from "drizzle-orm/d1";
import type { ConnectionId, Ref } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { runsOf } from "../core/runs.ts";
import { shardOf } from "../core/shard.ts";
import { rcms } from "../sources/rcms/rcms.ts";
import type { Account, Source } from "../sources/source.ts";
import { upstreamHttp } from "../sources/upstream-http.ts";
import { accessStore } from "../store/access.ts";
import { backfillStore } from "../store/backfills.ts";
import { batchStore } from "../store/batches.ts";
import { connectionStore } from "../store/connections.ts";
import { deadLetterStore } from "../store/dead-letters.ts";
import { keyStore } from "../store/keys.ts";
import { assessmentsTakenStore, kindStore } from "../store/kinds.ts";
import { ledgerStore } from "../store/ledger.ts";
import { minimisationStore } from "../store/minimisations.ts";
import { purgeStore } from "../store/purge.ts";
import { rebuildStore } from "../store/rebuilds.ts";
import { recordStore } from "../store/records.ts";
import { refreshStore } from "../store/refreshes.ts";
import { openReplica } from "../store/replicas.ts";
import { createSeal, type Seal } from "../store/seal.ts";
import type { Gate, Queues, WalkingWriters } from "../sync/ports.ts";
import { createServices, type Tuning } from "../sync/services.ts";
import { shardedWriters } from "../sync/shards.ts";
import type { RecordStore } from "../sync/stores.ts";
import { createCopies, dropping } from "./copies.ts";
import { cursors } from "./cursors.ts";
import { BadEnvironment, type Env, parseSettings, type Settings } from "./env.ts";
import { createLog } from "./log.ts";
import { parseEventMessage, parseJobMessage } from "./messages.ts";

const sources: Readonly<Record<string, Source>> = { rcms };

export type Services = ReturnType<typeof build>;

const composed = new WeakMap<Env, Services>();

/** Once per environment: settings are parsed and statements prepared the first time a handler runs. */
export function compose(env: Env): Services {
  let services = composed.get(env);
  if (services === undefined) {
    services = build(env);
    composed.set(env, services);
  }
  return services;
}

/** Outside HTTP the clear line goes to the log; the throw leaves the messages with their queue. */
export function composeOrLog(env: Env): Services {
  try {
    return compose(env);
  } catch (error) {
    if (error instanceof BadEnvironment) console.error(error.message);
    throw error;
  }
}

function build(env: Env) {
  const settings = parseSettings(env);
  const now = () => Date.now();
  const log = createLog(now);
  const db = drizzle(env.DB);
  let seal: Promise<Seal> | undefined;
  const sealing = () => (seal ??= createSeal(settings.SEALING_KEY, settings.SEALING_KEY_PREVIOUS));
  const copies = createCopies(now, settings.L1_TTL_SECONDS * 1_000);
  const records = recordStore(env.DB, db);
  const connections = connectionStore(env.DB, db, sealing, digest);

  function gate(id: ConnectionId): Gate {
    return env.GATES.getByName(id);
  }

  function source(id: string): Source {
    const found = sources[id];
    if (found === undefined) throw new Error("a connection names a source this version does not have");
    return found;
  }

  const kinds = kindStore(db);
  return createServices({
    env,
    settings,
    now,
    random: () => Math.random(),
    newId: () => crypto.randomUUID(),
    randomBytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)),
    sleep,
    log,
    digest,
    connections,
    records,
    replica: (from: string) => openReplica(env.DB, { records, isComplete: kinds.isComplete }, from),
    batches: batchStore(env.DB),
    ledger: ledgerStore(env.DB, db),
    deadLetters: deadLetterStore(env.DB, db),
    keys: keyStore(db),
    kinds,
    taken: assessmentsTakenStore(db),
    backfills: backfillStore(db),
    rebuilds: rebuildStore(db),
    cursors: cursors(env.CURSORS, sleep),
    queues: queues(env),
    gate,
    source,
    http: (account: Account) => upstreamHttp({ fetch: (request) => fetch(request), now, timeout }, account),
    parseEvent: parseEventMessage,
    parseJob: parseJobMessage,
    tuning: tuningOf(settings),
    writers: (id: ConnectionId) => dropping(copies, id, writers(env, id, settings.WRITER_SHARDS, records)),
    refreshes: refreshStore(db),
    purges: purgeStore(env.DB),
    access: accessStore(env.DB, db, digest),
    minimisations: minimisationStore(env.DB, db),
    copies,
    forgetDoubts: async (id: ConnectionId, refs: readonly Ref[]) => {
      const byShard = Map.groupBy(refs, (ref) => shardOf(ref, settings.WRITER_SHARDS));
      await Promise.all(
        [...byShard].map(([shard, own]) => env.WRITERS.getByName(`${id}:${shard}`).forgetDoubts(own)),
      );
    },
    /** Every Durable Object of a connection that is gone. */
    clearWriters: async (id: ConnectionId) => {
      const shards = Array.from({ length: settings.WRITER_SHARDS }, (_, shard) => shard);
      await Promise.all(shards.map((shard) => env.WRITERS.getByName(`${id}:${shard}`).clear()));
    },
  });
}

export function tuningOf(settings: Settings): Tuning {
  return {
    sweepMinutes: settings.SWEEP_INTERVAL_MINUTES,
    overlapMs: settings.SWEEP_OVERLAP_SECONDS * 1_000,
    pagesPerRun: settings.SWEEP_PAGES_PER_RUN,
    shards: settings.WRITER_SHARDS,
    verifyBudget: settings.VERIFY_PER_SWEEP,
    silenceMs: settings.SILENCE_HOURS * 3_600_000,
    ledgerMs: settings.LEDGER_HOURS * 3_600_000,
    accessKeptMs: settings.ACCESS_LOG_DAYS * 86_400_000,
  };
}

/** Of content, keys and bytes: SHA-256, hex. Synchronous, so that the write path has no await of its own. */
function digest(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** `AbortSignal.timeout` cannot be cleared; this one can, and aborts with the same error. */
function timeout(ms: number) {
  const controller = new AbortController();
  const abort = () =>
    controller.abort(new DOMException("the upstream did not answer in time", "TimeoutError"));
  const timer = setTimeout(abort, ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function queues(env: Env): Queues {
  return {
    async sendEvents(messages) {
      const [only, ...rest] = messages;
      if (only !== undefined && rest.length === 0) await env.EVENTS.send(only);
      else
        for (const batch of sendable(messages)) await env.EVENTS.sendBatch(batch.map((body) => ({ body })));
    },
    async sendJobs(messages, delaySeconds = 0) {
      for (const batch of sendable(messages)) {
        await env.JOBS.sendBatch(batch.map((body) => ({ body, delaySeconds })));
      }
    },
    async backlog() {
      try {
        const [events, jobs] = await Promise.all([env.EVENTS.metrics(), env.JOBS.metrics()]);
        return { events: events.backlogCount, jobs: jobs.backlogCount };
      } catch {
        return undefined;
      }
    },
  };
}

/** Batches the platform accepts: 100 messages, 256 KB. */
const sendable = <T>(messages: readonly T[]) =>
  runsOf(messages, (message) => JSON.stringify(message).length, SENDABLE);
const SENDABLE = { size: limits.sendChars, count: limits.sendMessages };

function writers(env: Env, id: ConnectionId, shards: number, records: RecordStore): WalkingWriters {
  const shard = (number: number): WalkingWriters => {
    const stub = env.WRITERS.getByName(`${id}:${number}`);
    // Awaited, so that what an RPC promise carries beside its value is dropped here.
    return {
      look: async (asks) => await stub.look(id, asks),
      walk: async (asks, permits) => await stub.walk(id, asks, permits),
      offer: async (snapshots) => await stub.offer(id, snapshots),
    };
  };
  return shardedWriters(shards, shard, {
    versions: (refs) => records.versions(id, refs),
    commit: (writes) => records.commit(id, writes),
  });
}
