// The mirror over stores in memory, as the simulation has it: the project's spine and handlers, with every store, the
// KV namespace and both Durable Objects replaced. Chance and sleep are held still on both sides.

import { createHash } from "node:crypto";
import { type Services, tuningOf } from "../../src/cloudflare/compose.ts";
import { createCopies, dropping } from "../../src/cloudflare/copies.ts";
import { scheduled } from "../../src/cloudflare/cron.ts";
import { cursors } from "../../src/cloudflare/cursors.ts";
import { parseSettings } from "../../src/cloudflare/env.ts";
import { answer } from "../../src/cloudflare/http.ts";
import { parseEventMessage, parseJobMessage } from "../../src/cloudflare/messages.ts";
import { consume } from "../../src/cloudflare/queue.ts";
import type { Doubt } from "../../src/core/decide.ts";
import { acquire, type GateState, openGate, report, resume } from "../../src/core/gate.ts";
import { type ConnectionId, type Kind, type Ref, refKey } from "../../src/core/ids.ts";
import { createLeases, leasedElsewhere } from "../../src/core/leases.ts";
import type { MirrorRecord, Write } from "../../src/core/record.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import { upstreamHttp } from "../../src/sources/upstream-http.ts";
import type { Cursor, CursorKey, Gate, WalkingWriters } from "../../src/sync/ports.ts";
import { createServices } from "../../src/sync/services.ts";
import { createShardWriter } from "../../src/sync/shard-writer.ts";
import { shardedWriters } from "../../src/sync/shards.ts";
import type { DoubtStore } from "../../src/sync/write.ts";
import { keyMemory } from "../api/memory-app.ts";
import { env as bound } from "../support/bindings.ts";
import { createMemory, type Memory } from "../sync/memory.ts";
import { backfillMemory, minimisationMemory, rebuildMemory } from "../sync/memory-work.ts";
import { type Deployed, type Numbers, type Row, recorders, SETTINGS, type Sent } from "./deployed.ts";
import type { Upstream } from "./upstream.ts";

export interface MemoryMirror extends Deployed {
  /** Nothing at the gate depends on which of several calls comes first. */
  calm(): boolean;
}

export function deployMemory(connection: ConnectionId, upstream: Upstream): MemoryMirror {
  const now = () => Date.now();
  const sent: Sent[] = [];
  const stubs = Object.fromEntries(
    ["DB", "CURSORS", "ACCESS", "WRITERS", "GATES", "READS"].map((name) => [name, {}]),
  );
  const READS = { limit: async () => ({ success: true }) };
  const { ADMIN_TOKEN, SEALING_KEY, ALLOW_HTTP_UPSTREAM } = bound;
  const env = {
    ...stubs,
    ...recorders(sent),
    READS,
    ADMIN_TOKEN,
    SEALING_KEY,
    ALLOW_HTTP_UPSTREAM,
    ...SETTINGS,
  };
  const settings = parseSettings(env);
  const memory = createMemory();
  const backfills = backfillMemory();
  memory.purgeables.push(backfills);
  const kv = kvMemory();
  const copies = createCopies(now, settings.L1_TTL_SECONDS * 1_000);
  const gate = gateMemory({ perMinute: settings.UPSTREAM_PER_MINUTE, burst: settings.UPSTREAM_BURST }, now);
  const shards = new Map<number, WalkingWriters>();
  const doubts = new Map<string, Doubt>();
  const doubtStore: DoubtStore = {
    get: (ref) => doubts.get(refKey(ref)),
    set: (ref, doubt) => void doubts.set(refKey(ref), doubt),
    delete: (ref) => void doubts.delete(refKey(ref)),
  };
  const shard = (number: number): WalkingWriters => {
    const known = shards.get(number) ?? createShardWriter(services, connection, doubtStore);
    shards.set(number, known);
    return known;
  };
  const queues = queuesOf(env);
  const services = createServices({
    env,
    settings,
    now,
    random: () => 0.5,
    newId: () => crypto.randomUUID(),
    randomBytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)),
    sleep: (ms: number) => (ms > 2_000 ? new Promise<void>(() => {}) : Promise.resolve()),
    log: () => {},
    digest: (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex"),
    ...memory,
    backfills,
    rebuilds: rebuildMemory(),
    minimisations: minimisationMemory(memory.connections.setFields),
    keys: keyMemory(),
    access: { add: async () => {}, list: async () => [], purgeBefore: async () => 0 },
    cursors: cursors(kv, async () => {}),
    queues,
    gate: () => gate.port,
    source: () => rcms,
    http: (account: Parameters<typeof upstreamHttp>[1]) =>
      upstreamHttp({ fetch: upstream.answer, now, timeout: neverInTime }, account),
    parseEvent: parseEventMessage,
    parseJob: parseJobMessage,
    tuning: tuningOf(settings),
    writers: (id: ConnectionId) => {
      const records = {
        versions: (refs: readonly Ref[]) => memory.records.versions(id, refs),
        commit: (writes: readonly Write[]) => memory.records.commit(id, writes),
      };
      return dropping(copies, id, shardedWriters(settings.WRITER_SHARDS, shard, records));
    },
    copies,
    forgetDoubts: async (_id: ConnectionId, refs: readonly Ref[]) => refs.forEach(doubtStore.delete),
    clearWriters: async () => shards.clear(),
  }) as unknown as Services;

  const context = {
    waitUntil: () => {},
    passThroughOnException: () => {},
    props: {},
  } as unknown as ExecutionContext;
  return {
    name: "memory",
    upstream,
    sent,
    async fetch(path, init) {
      return answer(services, new Request(`https://mirror.test${path}`, init), context);
    },
    queue: (batch) => consume(services, batch),
    scheduled: (cron) => scheduled(services, cron),
    async evict() {
      shards.clear();
      gate.evict();
    },
    calm: gate.calm,
    kept: {
      ...services,
      rows: async () => memory.records.all(connection).map(toRow),
      positions: async (after) => memory.records.all(connection).filter(({ seq }) => seq > after),
      kinds: () => kindsOf(memory, connection),
      taken: (clients) => takenOf(memory, connection, clients),
      cursor: async (name: CursorKey) =>
        JSON.parse((await kv.get(`cursor/${connection}/${name}`)) ?? "{}") as Cursor,
    },
  };
}

/** Time stands still while a call is under way. */
const neverInTime = () => ({ signal: new AbortController().signal, clear: () => {} });

function queuesOf({ EVENTS, JOBS }: { readonly EVENTS: Queue; readonly JOBS: Queue }) {
  return {
    sendEvents: async (messages: readonly unknown[]) =>
      void (await EVENTS.sendBatch(messages.map((body) => ({ body })))),
    sendJobs: async (messages: readonly unknown[], delaySeconds = 0) =>
      void (await JOBS.sendBatch(messages.map((body) => ({ body, delaySeconds })))),
    backlog: async () => ({ events: 0, jobs: 0 }),
  };
}

function kvMemory() {
  const values = new Map<string, string>();
  return {
    get: async (key: string) => values.get(key) ?? null,
    put: async (key: string, text: unknown) => void values.set(key, String(text)),
    delete: async (key: string) => void values.delete(key),
    list: async ({ prefix }: { readonly prefix: string }) => ({
      keys: [...values.keys()].filter((key) => key.startsWith(prefix)).map((name) => ({ name })),
    }),
  };
}

function gateMemory(budget: { readonly perMinute: number; readonly burst: number }, now: () => number) {
  let state: GateState | undefined;
  let leases = createLeases();
  const current = () => state ?? openGate(budget, now());
  const port: Gate = {
    async acquire(ask, under) {
      if (under !== undefined && !leases.take(under, now())) return leasedElsewhere(under);
      const acquired = acquire(current(), ask, budget, now());
      state = acquired.state;
      return acquired.permit;
    },
    async report(call) {
      state = report(current(), call, now());
    },
    async resume() {
      state = resume(current());
    },
    lease: async (name, holder, forMs) => leases.take({ name, holder, forMs }, now()),
    release: async (name, holder) => leases.release(name, holder),
    async clear() {
      state = undefined;
      leases.clear();
    },
  };
  return {
    port,
    calm() {
      const { tokens, paused, failures, limited = 0, heldUntil, openUntil, granted } = current();
      const lately = granted.reduce((sum, [, count]) => sum + count, 0);
      const quiet = !paused && failures === 0 && limited === 0 && heldUntil <= now() && openUntil === 0;
      return quiet && tokens > budget.burst * 0.9 && lately < budget.perMinute / 2;
    },
    evict() {
      leases = createLeases();
    },
  };
}

async function kindsOf({ kinds }: Memory, connection: ConnectionId): Promise<readonly Numbers[]> {
  const found = Object.entries(await kinds.drift(connection)).map(async ([kind, drift]) => ({
    kind,
    proven: Number(await kinds.isProven(connection, kind as Kind)),
    complete: Number(await kinds.isComplete(connection, kind as Kind)),
    ...drift,
  }));
  return (await Promise.all(found)).sort((a, b) => (a.kind < b.kind ? -1 : 1));
}

async function takenOf(
  { taken }: Memory,
  connection: ConnectionId,
  clients: readonly string[],
): Promise<readonly Numbers[]> {
  const found = [...clients].sort().map(async (client_id) => {
    const taken_at = await taken.last(connection, client_id);
    return taken_at === undefined ? [] : [{ client_id, taken_at }];
  });
  return (await Promise.all(found)).flat();
}

function toRow(record: MirrorRecord): Row {
  const { kind, id, seq, updatedAt = 0, fetchedAt, hash, terminal, body } = record;
  const { organizationId = null, clientId = null, status = null, deletedAt = null, asOf = null } = record;
  return {
    kind,
    id,
    seq,
    updated_at: updatedAt,
    fetched_at: fetchedAt,
    hash,
    organization_id: organizationId,
    client_id: clientId,
    status,
    terminal: terminal ? 1 : 0,
    deleted_at: deletedAt,
    body,
    as_of: asOf,
  };
}
