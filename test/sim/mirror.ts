// One deployed mirror, simulated: the project's own spine (services, consumers, tick, shard writers, gate machine)
// over stores in memory, queues, KV and Durable Objects that fail as the platform's do.

import { createHash } from "node:crypto";
import { cursors } from "../../src/cloudflare/cursors.ts";
import type { Doubt } from "../../src/core/decide.ts";
import { acquire, type GateState, openGate, report, resume } from "../../src/core/gate.ts";
import { type Kind, refKey } from "../../src/core/ids.ts";
import { createLeases } from "../../src/core/leases.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Send } from "../../src/sources/source.ts";
import { connect, resume as resumeConnection } from "../../src/sync/connect.ts";
import { consumeEvents, consumeJobs } from "../../src/sync/consume.ts";
import type { EventMessage, JobMessage } from "../../src/sync/messages.ts";
import { park } from "../../src/sync/park.ts";
import type { Cursor, Gate, Writers } from "../../src/sync/ports.ts";
import { receive } from "../../src/sync/receive.ts";
import { createServices, type Services, type Tuning } from "../../src/sync/services.ts";
import { createShardWriter } from "../../src/sync/shard-writer.ts";
import { shardedWriters } from "../../src/sync/shards.ts";
import { tick } from "../../src/sync/tick.ts";
import type { DoubtStore } from "../../src/sync/write.ts";
import { createMemory } from "../sync/memory.ts";
import { backfillMemory, minimisationMemory, rebuildMemory } from "../sync/memory-work.ts";
import { connectionOf } from "../sync/world.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import { createLife, type Life, lived } from "./life.ts";
import { createQueue } from "./queue.ts";
import { createKv } from "./stale-kv.ts";
import type { SimDelivery } from "./webhooks.ts";

export const HERE = connectionOf("rcms");
const SHARDS = 4;
const TICK_MS = 15 * 60_000;
/** Tight for so small a network, so that it is felt. */
export const BUDGET = { perMinute: 40, burst: 15 };

export const TUNING: Tuning = {
  sweepMinutes: 15,
  overlapMs: 120_000,
  pagesPerRun: 50,
  verifyBudget: 25,
  silenceMs: 6 * 3_600_000,
  ledgerMs: 72 * 3_600_000,
  accessKeptMs: 90 * 86_400_000,
};

export interface MirrorWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly http: (key: string) => Send;
  readonly sweeps: boolean;
  readonly onLog?: (line: string) => void;
}

interface Told {
  write: (before: MirrorRecord | undefined, after: MirrorRecord) => void;
  cursor: (name: string, watermark: number) => void;
  overlap: (what: string) => void;
}

/** Of one record: what writers must never do twice at a time. */
const isSingle = (target: string) =>
  /^GET \/(clients|staff|organizations)\/[^/]+(\/assessment-status)?$/.test(target);

export type SimMirror = ReturnType<typeof createMirror>;

export function createMirror(world: MirrorWorld) {
  const { clock, chance, faults } = world;
  const counters = {
    crashes: 0,
    redelivered: 0,
    batches: 0,
    databaseFailures: 0,
    staleReads: 0,
    ticks: 0,
    givenUp: 0,
  };
  const stores = createMemory();
  const memory = {
    ...stores,
    backfills: backfillMemory(),
    rebuilds: rebuildMemory(),
    minimisations: minimisationMemory(stores.connections.setFields),
  };
  const kv = createKv({ clock, chance, faults, counters });
  const lives = new Set<Life>();
  const calls = new Set<{ readonly target: string; readonly life: Life }>();
  const tell: Told = { write: () => {}, cursor: () => {}, overlap: () => {} };
  const rows = () => new Map(memory.records.all(HERE).map((row) => [`${row.kind}/${row.id}`, row]));
  const commit = memory.records.commit;
  memory.records.commit = async (connection, writes) => {
    const before = rows();
    const written = commit(connection, writes);
    const after = [...rows()].filter(([key, row]) => before.get(key)?.seq !== row.seq);
    for (const [key, row] of after.sort(([, a], [, b]) => a.seq - b.seq)) tell.write(before.get(key), row);
    return written;
  };
  const put = kv.put;
  kv.put = async (key, text) => {
    await put(key, text);
    const { watermark, run } = JSON.parse(String(text)) as Cursor;
    const [, , name = ""] = key.split("/");
    if (watermark !== undefined && run === undefined) tell.cursor(name, watermark);
  };
  let up = true;
  let ids = 0;

  function newLife(): Life {
    const life = createLife({ clock, chance, faults, counters });
    lives.add(life);
    life.onDeath(() => lives.delete(life));
    return life;
  }

  const databaseFails = (): false | "before" | "after" => {
    if (!chance.happens(faults().database)) return false;
    counters.databaseFailures++;
    return chance.pick(["before", "after"] as const);
  };

  /** The services as one life has them: every call is one of its steps. */
  function servicesOf(life: Life): Services {
    const database = { forMs: () => chance.between(1, 15), fails: databaseFails };
    const remote = { forMs: () => chance.between(1, 5), fails: () => false as const };
    const store = <T extends object>(target: T): T => lived(life, target, database);
    return createServices({
      now: clock.now,
      random: chance.next,
      newId: () => `id-${++ids}`,
      sleep: (ms: number) => life.step(ms),
      log: (level, event, fields) => world.onLog?.(`${level} ${event} ${JSON.stringify(fields ?? {})}`),
      digest: (content) => createHash("sha256").update(content).digest("hex"),
      connections: store(memory.connections),
      records: store(memory.records),
      ledger: store(memory.ledger),
      deadLetters: store(memory.deadLetters),
      kinds: store(memory.kinds),
      taken: store(memory.taken),
      backfills: store(memory.backfills),
      rebuilds: store(memory.rebuilds),
      refreshes: store(memory.refreshes),
      purges: store(memory.purges),
      minimisations: store(memory.minimisations),
      // Reads are not simulated: nobody reads, so there is nothing to log.
      access: { add: async () => {}, list: async () => [], purgeBefore: async () => 0 },
      cursors: cursors(lived(life, kv, remote), (ms) => life.step(ms)),
      queues: lived(life, queues, {
        ...remote,
        fails: () => chance.happens(faults().queueRefuses) && "before",
      }),
      gate: () => lived(life, gate, remote),
      writers: () =>
        shardedWriters(SHARDS, (number) => lived(life, shardOf(number), remote), {
          versions: (refs) => store(memory.records).versions(HERE, refs),
          commit: (writes) => store(memory.records).commit(HERE, writes),
        }),
      source: () => source,
      http:
        ({ apiKey }) =>
        async (request) => {
          await life.step(0);
          const call = { target: `${request.method} ${request.target}`, life };
          if ([...calls].some((one) => one.life.alive && one.target === call.target && isSingle(one.target)))
            tell.overlap(`two fetches at once: ${call.target}`);
          calls.add(call);
          const reply = await world.http(apiKey)(request);
          calls.delete(call);
          await life.step(0);
          return reply;
        },
      parseEvent: (message) => message as EventMessage,
      parseJob: (message) => message as JobMessage,
      tuning: TUNING,
    });
  }

  const source: typeof rcms = {
    ...rcms,
    verify: (delivery, secrets, now) => clock.external(rcms.verify(delivery, secrets, now)),
  };

  /** Runs work as one invocation. @returns undefined when it died */
  function invoke<T>(work: (services: Services) => Promise<T>): Promise<T | undefined> {
    const life = newLife();
    return new Promise((resolve) => {
      life.onDeath(() => resolve(undefined));
      const done = (result: T | undefined) => {
        lives.delete(life);
        resolve(result);
      };
      work(servicesOf(life)).then(done, () => done(undefined));
    });
  }

  // Durable Objects. A shard's memory dies with it, its doubts do not; whoever was calling is told.
  const doubts = new Map<string, Doubt>();
  const doubtStore: DoubtStore = {
    get: (ref) => doubts.get(refKey(ref)),
    set: (ref, doubt) => void doubts.set(refKey(ref), doubt),
    delete: (ref) => void doubts.delete(refKey(ref)),
  };
  const shards = new Map<number, { readonly writers: Writers; readonly life: Life }>();
  function shardOf(number: number): Writers {
    const ask = <T>(call: (writers: Writers) => Promise<T>): Promise<T> => {
      let shard = shards.get(number);
      if (!shard?.life.alive) {
        const life = newLife();
        shard = { life, writers: createShardWriter(servicesOf(life), HERE, doubtStore) };
        shards.set(number, shard);
      }
      const { life, writers } = shard;
      return new Promise((resolve, reject) => {
        life.onDeath(() => reject(new Error("the object was reset")));
        call(writers).then(resolve, reject);
      });
    };
    return { look: (asks) => ask((one) => one.look(asks)), offer: (seen) => ask((one) => one.offer(seen)) };
  }

  let gateState: GateState | undefined;
  const current = () => gateState ?? openGate(BUDGET, clock.now());
  const leases = createLeases();
  /** Our own book of who holds what. */
  const holders = new Map<string, { readonly holder: string; readonly until: number }>();
  const gate: Gate = {
    async acquire(ask) {
      const { state, permit } = acquire(current(), ask, BUDGET, clock.now());
      gateState = state;
      return permit;
    },
    async report(call) {
      gateState = report(current(), call, clock.now());
    },
    async resume() {
      gateState = resume(current());
    },
    async lease(name, holder, forMs) {
      const now = clock.now();
      const granted = leases.take(name, holder, forMs, now);
      const held = holders.get(name);
      if (granted && held !== undefined && held.holder !== holder && held.until > now)
        tell.overlap(`the lease ${name} has two holders`);
      if (granted) holders.set(name, { holder, until: now + forMs });
      return granted;
    },
    async release(name, holder) {
      leases.release(name, holder);
      if (holders.get(name)?.holder === holder) holders.delete(name);
    },
    async clear() {
      gateState = undefined;
      leases.clear();
      holders.clear();
    },
  };

  const common = { clock, chance, faults, isUp: () => up, counters };
  const onDropped = (message: { body: EventMessage | JobMessage; attempts: number }) => {
    counters.givenUp++;
    const queue = "job" in message.body ? ("jobs" as const) : ("events" as const);
    const parked = [{ queue, message, reason: "the platform's retries were used up" }];
    void park({ deadLetters: memory.deadLetters, newId: () => `id-${++ids}`, now: clock.now }, parked);
  };
  const events = createQueue<EventMessage>({
    ...common,
    batchSize: 100,
    concurrency: 3,
    consume: (messages) => invoke((services) => consumeEvents(services, messages)),
    onDropped,
  });
  const jobs = createQueue<JobMessage>({
    ...common,
    batchSize: 10,
    concurrency: 2,
    consume: (messages) => invoke((services) => consumeJobs(services, messages)),
    onDropped,
  });
  const queues = {
    sendEvents: async (messages: readonly EventMessage[]) => events.send(messages, 0),
    sendJobs: async (messages: readonly JobMessage[], delaySeconds = 0) =>
      jobs.send(messages, delaySeconds * 1_000),
    backlog: async () => ({ events: events.size, jobs: jobs.size }),
  };

  async function cron(): Promise<void> {
    const next = (Math.floor(clock.now() / TICK_MS) + 1) * TICK_MS;
    clock.at(next, () => void cron());
    if (!up || !world.sweeps || clock.now() % TICK_MS !== 0) return;
    counters.ticks++;
    void invoke(tick);
    if (chance.happens(faults().doubleTick)) void invoke(tick);
  }

  const accepted: string[] = [];

  return {
    memory,
    counters,
    kv,
    /** Whoever watches is told of every row written, every watermark saved, and whatever happens twice at once. */
    tell,
    rowOf: (kind: Kind, id: string) => rows().get(`${kind}/${id}`),
    events,
    jobs,
    /** Ids of the events answered 2xx. */
    accepted,
    startCron: () => void cron(),
    invoke,
    servicesOf,
    get up() {
      return up;
    },
    /** The worker is away: nothing answers, nothing runs, and what ran is dead. */
    down() {
      up = false;
      for (const life of [...lives]) life.kill();
      leases.clear();
      holders.clear();
    },
    back() {
      up = true;
      events.wake();
      jobs.wake();
    },
    async deliver({ body, signature }: SimDelivery): Promise<number | undefined> {
      await clock.sleep(chance.between(5, 50));
      if (!up) return undefined;
      const received = await invoke((services) =>
        receive(
          {
            now: clock.now,
            source: () => source,
            digest: services.digest,
            receiver: (id) => services.connections.receiver(id, clock.now()),
            rereadReceiver: async () => undefined,
            send: services.queues.sendEvents,
          },
          HERE,
          { header: (name) => (name === "x-rcms-signature" ? signature : null), body },
        ),
      );
      if (received?.result === "queued") accepted.push(JSON.parse(new TextDecoder().decode(body)).id);
      return received === undefined ? undefined : received.result === "queued" ? 202 : 503;
    },
    connect: () =>
      invoke((services) =>
        connect(connectDeps(services), {
          id: HERE,
          source: "rcms",
          account: { baseUrl: "https://api.rcms.example/v1", apiKey: "key-1", fields: {} },
          webhook: { by: "us", publicUrl: "https://mirror.example" },
        }),
      ),
    resume: (apiKey: string) => invoke((services) => resumeConnection(connectDeps(services), HERE, apiKey)),
  };
}

function connectDeps(services: Services) {
  return { ...services, newNonce: services.newId };
}
