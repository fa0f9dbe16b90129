// From a batch of events to rows in the table, with an upstream that answers at once: group commits and delta lists
// against one writer object, one fetch and one statement per record.

import type { Fields } from "../fake-rcms/records.ts";
import { startFakeRcms } from "../fake-rcms/server.ts";
import { type Bench, runsOf } from "./bench.ts";
import { changedEvent, connect } from "./mirrored.ts";
import { type Row, row } from "./report.ts";
import { figure } from "./statistics.ts";
import { type BenchMessage, type Database, startSystem } from "./system.ts";

const CLIENTS = 1_000;
const BATCH = 100;

export async function measureHydration(bench: Bench): Promise<readonly Row[]> {
  const fake = await startFakeRcms();
  const system = await startSystem(bench.bundles, [
    { runs: "mirror", database: "shared", vars: { UPSTREAM_PER_MINUTE: "100000", UPSTREAM_BURST: "100000" } },
    { runs: "bare", database: "shared" },
  ]);
  try {
    const clients = bench.quick ? CLIENTS / 4 : CLIENTS;
    const network = fake.createNetwork({ seed: { clients } });
    const mirror = system.worker("mirror");
    await connect(mirror, network);
    const ids = (network.truth().clients ?? []).map(({ id }) => String(id));
    const speeds = { asleep: [] as number[], awake: [] as number[] };
    const rates: number[] = [];
    for (let run = 0; run <= runsOf(bench); run++) {
      await midSecond();
      const changed = ids.map((id) => network.world.updateClient(id).record ?? {});
      // A record that has not changed for ten seconds has an object that sleeps: one of a new name has to be begun, too.
      const naive = (objects: string) =>
        changed.map(({ id }) => ({
          id: `${run}-${id}`,
          body: { object: `${objects}-${id}`, url: `${network.baseUrl}/clients/${id}`, key: network.apiKey },
        }));
      const turns = [
        ["mirror", "mirror", "mirror-events", changed.map(messageOf)],
        ["asleep", "bare", "bare-events", naive(`run-${run}`)],
        ["awake", "bare", "bare-events", naive("kept")],
        ["handing", "bare", "idle-events", changed.map(messageOf)],
      ] as const;
      const took = { mirror: 0, asleep: 0, awake: 0, handing: 0 };
      for (const [who, name, queue, messages] of run % 2 === 0 ? turns : turns.toReversed()) {
        const startedAt = performance.now();
        for (let from = 0; from < messages.length; from += BATCH) {
          await system.worker(name).consume(queue, messages.slice(from, from + BATCH));
        }
        took[who] = performance.now() - startedAt;
      }
      await checkRows(mirror.db, "bench", changed);
      await checkRows(mirror.db, "naive", changed);
      if (run === 0) continue;
      // Batches are handed over by the bench, which is no part of what becomes of them.
      const mirrorMs = took.mirror - took.handing;
      speeds.asleep.push((took.asleep - took.handing) / mirrorMs);
      speeds.awake.push((took.awake - took.handing) / mirrorMs);
      rates.push((clients / mirrorMs) * 1_000);
    }
    return (["asleep", "awake"] as const).map((objects) =>
      row(figure(speeds[objects]), {
        what: "hydrate, batches of 100, upstream 0 ms",
        against: `one writer object (${objects}), one statement per record`,
        aim: { atLeast: 5 },
        unit: " ×",
        digits: 1,
        note: `${figure(rates).median.toFixed(0)} records/s`,
      }),
    );
  } finally {
    await system.close();
    await fake.close();
  }
}

/**
 * What is stamped in the first millisecond of a second looks cut to it, and is looked at a second time some seconds
 * later: right, and not what is measured here.
 */
async function midSecond(): Promise<void> {
  while (Date.now() % 1_000 < 50 || Date.now() % 1_000 > 700) await new Promise((go) => setTimeout(go, 20));
}

/** As the receiver sends it. */
function messageOf(client: Fields): BenchMessage {
  const event = changedEvent(client);
  const body = {
    connection: "bench",
    eventId: event.id,
    type: event.type,
    createdAt: Date.parse(event.created_at),
    receivedAt: Date.now(),
    organizationId: event.organization_id,
    what: { is: "changed", ref: { kind: "clients", id: client.id } },
  };
  return { id: event.id, body };
}

/** Every row holds what the upstream holds. */
export async function checkRows(db: Database, connection: string, truth: readonly Fields[]): Promise<void> {
  const { results } = await db
    .prepare(
      "SELECT id, body FROM records WHERE connection_id = ? AND kind = 'clients' AND deleted_at IS NULL",
    )
    .bind(connection)
    .all<{ id: string; body: string }>();
  const held = new Map(results.map(({ id, body }) => [id, JSON.parse(body) as Fields]));
  const wrong = truth.filter((client) => held.get(String(client.id))?.updated_at !== client.updated_at);
  if (wrong.length === 0 && held.size >= truth.length) return;
  throw new Error(`${wrong.length} of ${truth.length} rows of ${connection} are not what the upstream holds`);
}
