// Ten thousand events at once, with the budget an account has: what is asked of the upstream, and until when.

import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";
import { startFakeRcms } from "../fake-rcms/server.ts";
import type { Bench } from "./bench.ts";
import { checkRows } from "./hydrate.ts";
import { changedEvent, connect, signedPost } from "./mirrored.ts";
import { type Row, row } from "./report.ts";
import { type Database, type Running, startSystem } from "./system.ts";

const UPSTREAM_MS = 100;
/** The budget a connection has unless told otherwise. */
const PER_MINUTE = 120;
const BURST = 30;
/** A burst that has not drained by then is a failure of its own. */
const GIVEN_UP_MS = 20 * 60_000;

export async function measureBursts(bench: Bench): Promise<readonly Row[]> {
  const events = bench.quick ? 2_000 : 10_000;
  return [...(await manyClients(bench, events)), ...(await fewClients(bench, events))];
}

async function manyClients(bench: Bench, events: number): Promise<readonly Row[]> {
  const { drainedMs, calls } = await burst(bench, { clients: events, events, delaySeconds: 0 });
  const singlyMs = ((events - BURST) / PER_MINUTE) * 60_000;
  const what = `${shown(events)} events over as many clients, upstream ${UPSTREAM_MS} ms, ${PER_MINUTE} calls a minute`;
  return [
    row(calls / events, {
      ...{ what: `${what}: calls per event`, against: "one GET per event", aim: { atMost: 0.02 }, digits: 4 },
      note: `${calls} calls`,
    }),
    row(drainedMs / singlyMs, {
      ...{ what: "the same: time until the last row", against: "one GET per event, by the budget" },
      ...{ aim: { atMost: 0.04 }, unit: " ×", digits: 4 },
      note: `${seconds(drainedMs)} s, not ${seconds(singlyMs)} s`,
    }),
  ];
}

async function fewClients(bench: Bench, events: number): Promise<readonly Row[]> {
  const clients = 200;
  // Every delivery is acknowledged before the first message is seen.
  const { calls } = await burst(bench, { clients, events, delaySeconds: bench.quick ? 15 : 45 });
  return [
    row(calls / clients, {
      what: `${shown(events)} events over ${clients} clients, all acknowledged first: calls per client`,
      ...{ against: "–", aim: { atMost: 2 }, note: `${calls} calls` },
    }),
  ];
}

const shown = (count: number) => count.toLocaleString("en");
const seconds = (ms: number) => (ms / 1_000).toFixed(0);

interface Burst {
  readonly clients: number;
  readonly events: number;
  readonly delaySeconds: number;
}

async function burst(bench: Bench, { clients, events, delaySeconds }: Burst) {
  const fake = await startFakeRcms();
  const system = await startSystem(bench.bundles, [
    {
      ...{ runs: "mirror", consumes: ["mirror-events"] },
      ...(delaySeconds === 0 ? {} : { eventDelaySeconds: delaySeconds }),
    },
  ]);
  try {
    const network = fake.createNetwork({ seed: { clients } });
    const mirror = system.worker("mirror");
    await connect(mirror, network);
    network.patchSettings({ latency_ms: [UPSTREAM_MS, UPSTREAM_MS] });
    const asked = changes(network, events).map((client) => signedPost(changedEvent(client)));
    network.log.clear();
    const startedAt = performance.now();
    await bench.load.run({ port: mirror.port, connections: 16, asked });
    if (delaySeconds > 0 && network.log.read().requests.length > 0) {
      throw new Error("the consumer began before every event was acknowledged");
    }
    await drained(mirror, events);
    const drainedMs = performance.now() - startedAt;
    await checkRows(mirror.db, "bench", network.truth().clients ?? []);
    return { drainedMs, calls: network.log.read().requests.length };
  } finally {
    await system.close();
    await fake.close();
  }
}

/** Every client by turns. */
function changes(network: Network, events: number): readonly Fields[] {
  const ids = (network.truth().clients ?? []).map(({ id }) => String(id));
  return Array.from(
    { length: events },
    (_, n) => network.world.updateClient(ids[n % ids.length] ?? "").record ?? {},
  );
}

/** Every event in the ledger: its record was committed before. */
async function drained({ db }: Running, events: number): Promise<void> {
  const startedAt = performance.now();
  while ((await done(db)) < events) {
    if (performance.now() - startedAt > GIVEN_UP_MS)
      throw new Error(`the burst did not drain: ${await done(db)}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function done(db: Database): Promise<number> {
  const found = await db.prepare("SELECT count(*) AS done FROM events").first<{ done: number }>();
  return found?.done ?? 0;
}
