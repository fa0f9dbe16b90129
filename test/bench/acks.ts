// What a delivery costs RCMS to hand over, and what a flood of forged ones costs us.

import { startFakeRcms } from "../fake-rcms/server.ts";
import { type Bench, measurePair, runsOf, shownLatency } from "./bench.ts";
import { changedEvent, connect, forgedPost, signedPost } from "./mirrored.ts";
import { type Row, row } from "./report.ts";
import { figure } from "./statistics.ts";
import { type BenchSystem, startSystem } from "./system.ts";

const client = (n: number) => ({
  id: `client_${n}`,
  organization_id: "org_1",
  updated_at: new Date().toISOString(),
});
const many = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n));

export async function measureAcks(bench: Bench): Promise<readonly Row[]> {
  // Neither has a consumer here: in production consumers run elsewhere, here they would share the one thread.
  const system = await startSystem(bench.bundles, [{ runs: "mirror" }, { runs: "bare" }]);
  try {
    const mirror = system.worker("mirror");
    await connect(mirror);
    const rows: Row[] = [];
    for (const connections of [1, 16, 64]) {
      const pair = await measurePair(
        bench,
        connections,
        connections === 1 ? 100 : 300,
        { port: mirror.port, asked: (count) => many(count, (n) => signedPost(changedEvent(client(n)))) },
        {
          port: system.worker("bare").port,
          asked: (count) => many(count, (n) => signedPost(changedEvent(client(n)), "/ack")),
        },
      );
      rows.push(
        row(pair.throughput, {
          what: `webhook ack, ${connections} connection${connections === 1 ? "" : "s"}`,
          against: "bare Hono: read body, one queue send",
          aim: { atLeast: 0.85 },
          unit: " ×",
          note: shownLatency(pair),
        }),
      );
    }
    return [...rows, await flood(bench, system), ...(await unmoved(bench)), await untouched(bench)];
  } finally {
    await system.close();
  }
}

async function flood(bench: Bench, system: BenchSystem): Promise<Row> {
  const pair = await measurePair(
    bench,
    16,
    // More than of the others, which take longer.
    500,
    {
      port: system.worker("mirror").port,
      asked: (count) => many(count, (n) => forgedPost(changedEvent(client(n)))),
    },
    {
      port: system.worker("bare").port,
      asked: (count) => many(count, (n) => forgedPost(changedEvent(client(n)), "/reject")),
    },
  );
  return row(pair.throughput, {
    what: "forged signatures, 16 connections",
    against: "bare Hono: read body, answer 401",
    aim: { atLeast: 0.85 },
    unit: " ×",
    note: shownLatency(pair),
  });
}

/** Acks while the consumer hydrates from an upstream that is slow, against the same with one that is not. */
async function unmoved(bench: Bench): Promise<readonly Row[]> {
  const fake = await startFakeRcms();
  const system = await startSystem(bench.bundles, [
    {
      ...{ runs: "mirror", consumes: ["mirror-events"] },
      vars: { UPSTREAM_PER_MINUTE: "100000", UPSTREAM_BURST: "100000" },
    },
  ]);
  try {
    const network = fake.createNetwork({ seed: { clients: 5 } });
    const mirror = system.worker("mirror");
    await connect(mirror, network);
    const ids = (network.truth().clients ?? []).map(({ id }) => String(id));
    const asked = (count: number) =>
      many(count, (n) => {
        const { record } = network.world.updateClient(ids[n % ids.length] ?? "");
        return signedPost(changedEvent(record ?? {}));
      });
    const measure = async (latencyMs: number) => {
      network.patchSettings({ latency_ms: [latencyMs, latencyMs] });
      const { latenciesMs } = await bench.load.run({ port: mirror.port, connections: 1, asked: asked(60) });
      await quiet(mirror.db);
      return figure(latenciesMs).median;
    };
    await measure(0);
    const ratios: Record<50 | 500, number[]> = { 50: [], 500: [] };
    for (let run = 0; run < runsOf(bench); run++) {
      const alone = await measure(0);
      for (const latencyMs of [50, 500] as const) ratios[latencyMs].push((await measure(latencyMs)) / alone);
    }
    return ([50, 500] as const).map((latencyMs) =>
      row(figure(ratios[latencyMs]), {
        what: `webhook ack p50, upstream of ${latencyMs} ms`,
        against: "itself, upstream of 0 ms",
        aim: { atMost: 1.1 },
        unit: " ×",
      }),
    );
  } finally {
    await system.close();
    await fake.close();
  }
}

/** Until the consumer has settled everything that was sent. */
async function quiet(db: BenchDatabase): Promise<void> {
  let before = -1;
  for (;;) {
    const row = await db.prepare("SELECT count(*) AS done FROM events").first<{ done: number }>();
    if (row?.done === before) return;
    before = row?.done ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}
type BenchDatabase = ReturnType<BenchSystem["worker"]>["db"];

/** Counted apart, by D1's own meters: a flood reads the secrets anew three times, then once in five seconds. */
async function untouched(bench: Bench): Promise<Row> {
  const system = await startSystem(bench.bundles, [{ runs: "metered" }]);
  try {
    const mirror = system.worker("metered");
    await connect(mirror);
    const flood = (count: number) =>
      bench.load.run({
        ...{ port: mirror.port, connections: 16 },
        asked: many(count, (n) => forgedPost(changedEvent(client(n)))),
      });
    await flood(100);
    await mirror.resetCounts();
    const { elapsedMs } = await flood(2_000);
    const { queries } = await mirror.counts();
    return row(Math.max(0, queries - Math.ceil(elapsedMs / 5_000)), {
      what: "trips to the database, 2,000 forged signatures",
      against: "–",
      aim: { atMost: 0 },
      digits: 0,
      note: "beyond one look at the secrets in 5 s",
    });
  } finally {
    await system.close();
  }
}
