// One deployed mirror, simulated: the project's own spine (services, consumers, tick, shard writers, gate machine)
// over stores in memory, queues, KV and Durable Objects that fail as the platform's do.

import { hash } from "node:crypto";
import { cursors } from "../../src/cloudflare/cursors.ts";
import type { GateBudget } from "../../src/core/gate.ts";
import type { Kind } from "../../src/core/ids.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Send } from "../../src/sources/source.ts";
import { connect, resume as resumeConnection } from "../../src/sync/connect.ts";
import { consumeEvents, consumeJobs } from "../../src/sync/consume.ts";
import type { EventMessage, JobMessage } from "../../src/sync/messages.ts";
import { park } from "../../src/sync/park.ts";
import { receive } from "../../src/sync/receive.ts";
import { createServices, type Services, type Tuning } from "../../src/sync/services.ts";
import { tick } from "../../src/sync/tick.ts";
import { unremembered } from "../sync/receivers.ts";
import type { Shown } from "./api.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import { createLife, type How, type Life, lived, type Sort } from "./life.ts";
import { createObjects } from "./objects.ts";
import { createQueue } from "./queue.ts";
import { createStores, HERE } from "./stores.ts";
import { isSigned, type SimDelivery } from "./webhooks.ts";

export { HERE };

const SHARDS = 4;
export const TICK_MS = 15 * 60_000;

export const TUNING: Tuning = {
  sweepMinutes: 15,
  overlapMs: 120_000,
  pagesPerRun: 50,
  shards: SHARDS,
  verifyBudget: 25,
  silenceMs: 6 * 3_600_000,
  ledgerMs: 72 * 3_600_000,
  accessKeptMs: 90 * 86_400_000,
};

export interface MirrorWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly http: (key: string, heard: (shown: readonly Shown[]) => void) => Send;
  readonly sweeps: boolean;
  readonly budget: GateBudget;
  readonly tuning?: Partial<Tuning>;
  readonly onLog?: ((line: string) => void) | undefined;
}

export interface Accepted {
  readonly eventId: string;
  /** Our clock, ms: when the receiver had it in hand. */
  readonly receivedAt: number;
  readonly message: EventMessage | undefined;
}

/** Of one record: what writers must never do twice at a time. */
const isSingle = (target: string) =>
  /^GET \/(clients|staff|organizations)\/[^/]+(\/assessment-status)?$/.test(target);

const NOTED: Readonly<Record<string, string>> = {
  event_lagging: "lagging",
  event_parked: "parked",
  connection_paused: "paused",
  webhook_registered_anew: "registeredAnew",
  deliveries_missing: "missingTold",
};

export type SimMirror = ReturnType<typeof createMirror>;

export function createMirror(world: MirrorWorld) {
  const { clock, chance, faults } = world;
  const counters = {
    invocations: 0,
    invocationsDied: 0,
    objectsDied: 0,
    gatesLost: 0,
    leasesRefused: 0,
    held: 0,
    batches: 0,
    batchesReturned: 0,
    redelivered: 0,
    messagesReordered: 0,
    queueRefused: 0,
    databaseFailures: 0,
    ambiguousCommits: 0,
    staleReads: 0,
    ticks: 0,
    doubleTicks: 0,
    lagging: 0,
    parked: 0,
    paused: 0,
    registeredAnew: 0,
    missingTold: 0,
  };
  const remote: How = { forMs: () => chance.between(1, 5), fails: () => false };
  const queueing: How = {
    ...remote,
    fails() {
      if (!chance.happens(faults().queueRefuses)) return false;
      counters.queueRefused++;
      return "before";
    },
  };
  const stores = createStores({ clock, chance, faults, remote, counters });
  const { watched, memory, kv } = stores;
  const lives = new Set<Life>();
  const lengths = new Map<string, number>();
  /** Single fetches under way, by what they ask. */
  const calls = new Map<string, Set<Life>>();
  let up = true;
  let ids = 0;
  const newId = () => `id-${++ids}`;

  function newLife(sort: Sort, name: string): Life {
    const life = createLife({ clock, chance, faults, counters, lengths }, sort, name);
    lives.add(life);
    life.onDeath(() => lives.delete(life));
    return life;
  }

  /** The same records are read again and again. */
  const digests = new Map<string, string>();
  function digest(content: string | Uint8Array): string {
    if (typeof content !== "string") return hash("sha256", content);
    let found = digests.get(content);
    if (found === undefined) {
      found = hash("sha256", content);
      digests.set(content, found);
    }
    return found;
  }

  function log(level: string, event: string, fields?: object): void {
    const noted = NOTED[event] as keyof typeof counters | undefined;
    if (noted !== undefined) counters[noted]++;
    world.onLog?.(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
  }

  /** The services as one life has them: every call is one of its steps. */
  function servicesOf(life: Life): Services {
    const sleep = (ms: number) => life.step(ms);
    const [gate, writers] = [objects.gate(life), objects.writers(life)];
    return createServices({
      now: clock.now,
      random: chance.next,
      newId,
      sleep,
      log,
      digest,
      ...stores.of(life),
      // Who read what is written by the routes, which are not simulated.
      access: { add: async () => {}, list: async () => [], purgeBefore: async () => 0 },
      cursors: cursors(stores.kvOf(life), sleep),
      queues: queuesOf(life),
      gate: () => gate,
      writers: () => writers,
      source: () => source,
      http: ({ apiKey }) => call(life, apiKey),
      parseEvent: (message) => message as EventMessage,
      parseJob: (message) => message as JobMessage,
      tuning: { ...TUNING, ...world.tuning },
    });
  }

  /** One call of the API by a life; what arrives after its death was never heard. */
  function call(life: Life, apiKey: string): Send {
    const send = world.http(apiKey, (shown) => {
      if (life.alive) watched.fetched(shown);
    });
    return async (request) => {
      await life.step(0);
      const target = `${request.method} ${request.target}`;
      const single = isSingle(target);
      const others = calls.get(target) ?? new Set();
      if (single) {
        if ([...others].some((one) => one.alive)) watched.overlapped(`two fetches at once: ${target}`);
        calls.set(target, others.add(life));
      }
      objects.calls();
      const reply = await send(request);
      if (single) others.delete(life);
      await life.step(0);
      return reply;
    };
  }

  const source: typeof rcms = {
    ...rcms,
    verify: async (delivery, secrets, now) => {
      const signature = delivery.header("x-rcms-signature") ?? "";
      const signed = isSigned({ body: delivery.body, signature }, secrets, now);
      return signed ? { authentic: true } : { authentic: false, why: "wrong" };
    },
  };

  /** Runs work as one invocation. @returns undefined when it died, failed, or met nobody */
  function invoke<T>(work: (services: Services) => Promise<T>, name = "operator"): Promise<T | undefined> {
    if (!up) return Promise.resolve(undefined);
    const life = newLife("invocation", name);
    return new Promise((resolve) => {
      life.onDeath(() => resolve(undefined));
      const done = (result: T | undefined) => {
        lives.delete(life);
        life.end();
        resolve(result);
      };
      work(servicesOf(life)).then(done, () => done(undefined));
    });
  }

  const objects = createObjects({
    clock,
    chance,
    faults,
    connection: HERE,
    budget: world.budget,
    shards: SHARDS,
    remote,
    newLife: () => newLife("object", "writer"),
    servicesOf,
    recordsOf: (life) => stores.of(life).records,
    onOverlap: (what) => watched.overlapped(what),
    onBreach: (what) => watched.breached(what),
    counters,
  });

  const onDropped = (message: { body: EventMessage | JobMessage; attempts: number }) => {
    const queue = "job" in message.body ? ("jobs" as const) : ("events" as const);
    const parked = [{ queue, message, reason: "the platform's retries were used up" }];
    void park({ deadLetters: memory.deadLetters, newId, now: clock.now }, parked);
  };
  const common = { clock, chance, faults, isUp: () => up, counters, onDropped };
  const events = createQueue<EventMessage>({
    ...common,
    batchSize: 100,
    concurrency: 3,
    consume: (messages) => invoke((services) => consumeEvents(services, messages), "events"),
  });
  const jobs = createQueue<JobMessage>({
    ...common,
    batchSize: 10,
    concurrency: 2,
    consume: (messages) => invoke((services) => consumeJobs(services, messages), "jobs"),
  });
  const queues = {
    sendEvents: async (messages: readonly EventMessage[]) => events.send(messages, 0),
    sendJobs: async (messages: readonly JobMessage[], delaySeconds = 0) =>
      jobs.send(messages, delaySeconds * 1_000),
    backlog: async () => ({ events: events.size, jobs: jobs.size }),
  };
  const queuesOf = lived(queues, queueing);

  function cron(): void {
    const next = (Math.floor(clock.now() / TICK_MS) + 1) * TICK_MS;
    clock.at(next, cron);
    if (!up || !world.sweeps || clock.now() % TICK_MS !== 0) return;
    counters.ticks++;
    void invoke(tick, "tick");
    if (!chance.happens(faults().doubleTick)) return;
    counters.doubleTicks++;
    clock.at(clock.now() + chance.pick([0, chance.between(0, 60_000)]), () => void invoke(tick, "tick"));
  }

  /** By event id: when the receiver first had it in hand, our clock, ms. */
  const received = new Map<string, number>();
  /** By event id: the first time each was answered 2xx. */
  const accepted = new Map<string, Accepted>();

  function accept(messages: readonly EventMessage[], body: Uint8Array): void {
    const lost = JSON.parse(new TextDecoder().decode(body)) as { readonly id?: string };
    const all: readonly Accepted[] =
      messages.length > 0
        ? messages.map((message) => ({ ...message, message }))
        : [{ eventId: String(lost.id), receivedAt: clock.now(), message: undefined }];
    for (const { eventId, receivedAt, message } of all)
      if (!accepted.has(eventId)) accepted.set(eventId, { eventId, receivedAt, message });
  }

  return {
    memory,
    counters,
    kv,
    watched,
    rowOf: (kind: Kind, id: string) => memory.records.find(HERE, `${kind}/${id}`),
    events,
    jobs,
    accepted,
    received,
    startCron: cron,
    invoke,
    newLife,
    servicesOf,
    get up() {
      return up;
    },
    /** The worker is away: nothing answers, nothing runs, and what ran is dead. */
    down() {
      up = false;
      for (const life of [...lives]) life.kill();
      objects.forgetLeases();
    },
    back() {
      up = true;
      events.wake();
      jobs.wake();
    },
    async deliver({ body, signature }: SimDelivery): Promise<number | undefined> {
      await clock.sleep(chance.between(5, 50));
      if (!up) return undefined;
      const sent: EventMessage[] = [];
      const outcome = await invoke(
        (services) =>
          receive(
            {
              now: clock.now,
              source: () => source,
              digest: services.digest,
              receivers: unremembered((id) => services.connections.receiver(id, clock.now())),
              send(messages) {
                sent.push(...messages);
                for (const { eventId, receivedAt } of messages)
                  if (!received.has(eventId)) received.set(eventId, receivedAt);
                return services.queues.sendEvents(messages);
              },
            },
            HERE,
            { header: (name) => (name === "x-rcms-signature" ? signature : null), body },
          ),
        "receive",
      );
      if (outcome?.result === "queued") accept(sent, body);
      return outcome === undefined ? undefined : outcome.result === "queued" ? 202 : 503;
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
