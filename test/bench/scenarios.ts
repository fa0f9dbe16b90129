// What is counted, as exact scenarios over the metered worker: its queues are held back and emptied by hand, so
// nothing depends on how fast anything is. The tests assert the same figures that the bench prices.

import type { Network } from "../fake-rcms/network.ts";
import type { Seed } from "../fake-rcms/seed.ts";
import { type FakeRcms, startFakeRcms } from "../fake-rcms/server.ts";
import { signatureHeader } from "../support/sign.ts";
import type { Bundles } from "./bundles.ts";
import { type Counts, each, sum } from "./counts.ts";
import { changedEvent, connect, type EventBody, newKey, SECRET } from "./mirrored.ts";
import { textOf } from "./reads.ts";
import { type BenchSystem, type QueueNamed, type Running, startSystem } from "./system.ts";

export interface Counted {
  readonly network: Network;
  readonly mirror: Running;
  /** What one of them cost, delivery and consumption. */
  ofEach(events: readonly EventBody[], batch: number): Promise<Counts & { readonly upstreamCalls: number }>;
  /** What the step cost, and what it asked of the upstream. */
  during(step: () => Promise<void>): Promise<{ readonly counts: Counts; readonly asked: readonly string[] }>;
  consume(queue: QueueNamed, bodies: readonly unknown[], batch: number): Promise<void>;
  /** Through the consumers, until the queues are empty. */
  settle(): Promise<void>;
  /** Every client changed, and what RCMS says of it. */
  change(count: number): readonly EventBody[];
  close(): Promise<void>;
}

/** A job that queues the next one forever would be a defect: no scenario here takes so many turns. */
const TURNS = 2_000;

export async function startCounted(
  bundles: Bundles,
  seed: Partial<Seed>,
  vars: Readonly<Record<string, string>> = {},
): Promise<Counted> {
  const fake = await startFakeRcms();
  const system = await startSystem(bundles, [
    {
      runs: "metered",
      vars: { HOLD_QUEUES: "true", UPSTREAM_PER_MINUTE: "100000", UPSTREAM_BURST: "100000", ...vars },
    },
  ]).catch(async (error: unknown) => {
    await fake.close();
    throw error;
  });
  try {
    return await counted(fake, system, seed);
  } catch (error) {
    await system.close();
    await fake.close();
    throw error;
  }
}

async function counted(fake: FakeRcms, system: BenchSystem, seed: Partial<Seed>): Promise<Counted> {
  const network = fake.createNetwork({ seed });
  const mirror = system.worker("metered");
  const ids = (network.truth().clients ?? []).map(({ id }) => String(id));

  async function settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      const held = await mirror.held();
      if (Object.keys(held).length === 0) return;
      for (const [queue, bodies] of Object.entries(held)) await consume(queue as QueueNamed, bodies, 10);
    }
    throw new Error(`the queues were not empty after ${TURNS} turns`);
  }

  async function consume(queue: QueueNamed, bodies: readonly unknown[], batch: number): Promise<void> {
    for (let from = 0; from < bodies.length; from += batch) {
      const messages = bodies.slice(from, from + batch).map((body, i) => ({ id: `m${from + i}`, body }));
      await mirror.consume(queue, messages);
    }
  }

  async function during(step: () => Promise<void>) {
    await mirror.resetCounts();
    network.log.clear();
    await step();
    const asked = network.log.read().requests.map(({ method, path }) => `${method} ${path}`);
    return { counts: await mirror.counts(), asked };
  }

  async function deliver(event: EventBody): Promise<void> {
    const body = JSON.stringify(event);
    const signature = signatureHeader(SECRET, Math.floor(Date.now() / 1_000), body);
    const headers = { "x-rcms-signature": signature };
    const answer = await fetch(`${mirror.url}/hooks/bench`, { method: "POST", headers, body });
    if (answer.status !== 202) throw new Error(`a delivery was answered ${answer.status}`);
  }

  await connect(mirror, network);
  await settle();
  return {
    ...{ network, mirror, consume, settle, during },
    async ofEach(events, batch) {
      const { counts, asked } = await during(async () => {
        for (const event of events) await deliver(event);
        const { "mirror-events": messages = [] } = await mirror.held();
        await consume("mirror-events", messages, batch);
      });
      return { ...each(counts, events.length), upstreamCalls: asked.length / events.length };
    },
    change: (count) =>
      ids.slice(0, count).map((id) => changedEvent(network.world.updateClient(id).record ?? {})),
    async close() {
      await system.close();
      await fake.close();
    },
  };
}

/** RCMS says the same again, as another event: nothing has changed since. */
const saidAgain = (event: EventBody): EventBody => ({ ...event, id: `${event.id}_again` });

type PerEvent = Counts & { readonly upstreamCalls: number };

/** Of clients the mirror holds: changed one by one and a hundred at once, unchanged, delivered twice. */
export async function countEvents(bundles: Bundles, upstreamMs = 0) {
  const counted = await startCounted(bundles, { clients: 100 });
  try {
    const { change, ofEach, network } = counted;
    await ofEach(change(100), 1);
    network.patchSettings({ latency_ms: [upstreamMs, upstreamMs] });
    const events = change(20);
    const [changed, unchanged] = [await ofEach(events, 1), await ofEach(events.map(saidAgain), 1)];
    const duplicate = await ofEach(events, 1);
    const burst = await ofEach(change(100), 100);
    return { changed, unchanged, duplicate, burst } satisfies Record<string, PerEvent>;
  } finally {
    await counted.close();
  }
}

const LISTED = ["organizations", "staff", "clients"] as const;

/** Records changed lately and mirrored by their events: the sweep meets them all, and nothing is new. */
export async function countSweep(bundles: Bundles) {
  const counted = await startCounted(bundles, { clients: 50 });
  try {
    await counted.ofEach(counted.change(50), 50);
    let seen = 0;
    const { counts, asked } = await counted.during(async () => {
      const swept = await counted.mirror.admin("POST", "/connections/bench/sweep", { kinds: LISTED });
      for (const one of swept as readonly { readonly seen: number }[]) seen += one.seen;
    });
    if (seen < 50) throw new Error(`the sweep met ${seen} records, not 50`);
    const { rowsWritten, objectRequests } = counts;
    return { callsPerKind: asked.length / LISTED.length, rowsWritten, objectRequests, asked };
  } finally {
    await counted.close();
  }
}

/** A hundred reads of an isolate that come together and share their message to the access log, and ten that do not. */
export async function countReads(bundles: Bundles) {
  const counted = await startCounted(bundles, { clients: 100 }, { ACCESS_WINDOW_MS: "1000" });
  try {
    const events = counted.change(100);
    await counted.ofEach(events, 100);
    const key = await newKey(counted.mirror);
    const paths = events.map(({ data }) => `/v1/clients/${data.client_id}`);
    const read = async (many: readonly string[]) => {
      await Promise.all(many.map((path) => textOf(counted.mirror, path, key)));
      // Each read's entry is sent when its window is over.
      const sent: unknown[] = [];
      while (sent.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        sent.push(...((await counted.mirror.held())["mirror-access"] ?? []));
      }
      await counted.consume("mirror-access", sent, 10);
    };
    // What an isolate remembers (the key, what sweeps vouch for) it has asked for once.
    await read(paths.slice(0, 1));
    const busy = await counted.during(() => read(paths));
    const alone = await counted.during(async () => {
      for (const path of paths.slice(0, 3)) await read([path]);
    });
    return { busy: each(busy.counts, paths.length), alone: each(alone.counts, 3) };
  } finally {
    await counted.close();
  }
}

const TICKS_PER_MONTH = 30 * 24 * 4;
const CONNECTIONS = 10;
const WARM_TICKS = 3;
/** Two: a round of the walks ends in one and begins in the other. */
const TICKS = 2;

/**
 * One connection on which nothing changes, for two ticks of the clock and one daily purge; a month is so many of them,
 * for so many connections. The budget makes the walks wait for it, as it does in production, only ten times as fast.
 */
export async function countQuiet(bundles: Bundles, clients: number, upstreamMs = 0) {
  const budget = { UPSTREAM_PER_MINUTE: "1200", UPSTREAM_BURST: "30" };
  const counted = await startCounted(bundles, { organizations: 5, staff: 20, clients }, budget);
  try {
    const { mirror, network, settle, during } = counted;
    await mirror.admin("POST", "/connections/bench/rebuild", {});
    await settle();
    network.patchSettings({ latency_ms: [upstreamMs, upstreamMs] });
    const tick = async () => {
      await mirror.tick("*/15 * * * *");
      await settle();
    };
    // What is learnt once: that the routes of single records answer.
    for (let n = 0; n < WARM_TICKS; n++) await tick();
    const quiet = await during(async () => {
      for (let n = 0; n < TICKS; n++) await tick();
    });
    const perTick = each(quiet.counts, TICKS);
    const daily = await during(() => mirror.tick("17 3 * * *"));
    const month = sum(times(perTick, TICKS_PER_MONTH * CONNECTIONS), times(daily.counts, 30 * CONNECTIONS));
    return { tick: perTick, calls: quiet.asked.length / TICKS, month };
  } finally {
    await counted.close();
  }
}

const times = (counts: Counts, many: number) => each(counts, 1 / many);
