// From a delivery to the new record in an app's hands, nothing else going on.

import { startFakeRcms } from "../fake-rcms/server.ts";
import type { Bench } from "./bench.ts";
import { changedEvent, connect, newKey, signedPost } from "./mirrored.ts";
import { type Row, row } from "./report.ts";
import { figure, percentile } from "./statistics.ts";
import { type Running, startSystem } from "./system.ts";

const UPSTREAM_MS = 100;
const CLIENTS = 20;
/** A record that is not there by then never will be. */
const GIVEN_UP_MS = 10_000;
/** Between two looks of the app: asking all the time would be a load of its own, here and on the worker. */
const LOOK_EVERY_MS = 5;

export async function measureReadable(bench: Bench): Promise<readonly Row[]> {
  const fake = await startFakeRcms();
  const system = await startSystem(bench.bundles, [
    {
      ...{ runs: "mirror", consumes: ["mirror-events"] },
      vars: { UPSTREAM_PER_MINUTE: "100000", UPSTREAM_BURST: "100000" },
    },
  ]);
  try {
    const network = fake.createNetwork({ seed: { clients: CLIENTS } });
    const mirror = system.worker("mirror");
    await connect(mirror, network);
    const key = await newKey(mirror);
    const ids = (network.truth().clients ?? []).map(({ id }) => String(id));
    const samples: number[] = [];
    let seq = 0;
    for (let n = 0; n < (bench.quick ? 30 : 300) + CLIENTS; n++) {
      const client = network.world.updateClient(ids[n % CLIENTS] ?? "").record ?? {};
      network.patchSettings({ latency_ms: [UPSTREAM_MS, UPSTREAM_MS] });
      const startedAt = performance.now();
      const asked = [signedPost(changedEvent(client))];
      const { elapsedMs } = await bench.load.run({ port: mirror.port, connections: 1, asked });
      const read = await readNewer(mirror, key, String(client.id), seq);
      // What the load generator needed to be told of the job is no part of it.
      const overheadMs = Math.max(0, read.postedAt - startedAt - elapsedMs);
      if (read.updatedAt !== client.updated_at) throw new Error("what became readable is not what changed");
      seq = read.seq;
      // The first round is each client's first fetch.
      if (n >= CLIENTS) samples.push(read.at - startedAt - overheadMs - UPSTREAM_MS);
    }
    const shown = {
      against: `upstream latency (${UPSTREAM_MS} ms) and no queue wait`,
      unit: " ms",
      digits: 0,
    };
    const p50 = figure(samples);
    return [
      row(p50, {
        ...shown,
        what: "webhook → readable p50, above the upstream's latency",
        aim: { atMost: 60 },
      }),
      row(
        { ...p50, median: percentile(samples, 0.99) },
        { ...shown, what: "webhook → readable p99, above the upstream's latency", aim: { atMost: 60 } },
      ),
    ];
  } finally {
    await system.close();
    await fake.close();
  }
}

interface Newer {
  readonly seq: number;
  readonly updatedAt: unknown;
  readonly at: number;
  readonly postedAt: number;
}

/** An app that knows there is something newer than `seq` asks again until it has it. */
async function readNewer(
  { url }: Running,
  key: Readonly<Record<string, string>>,
  id: string,
  seq: number,
): Promise<Newer> {
  const postedAt = performance.now();
  while (performance.now() - postedAt < GIVEN_UP_MS) {
    const headers = {
      ...key,
      "mirror-min-seq": String(seq + 1),
      "cache-control": "only-if-cached, max-stale",
    };
    const answer = await fetch(`${url}/v1/clients/${id}`, { headers });
    const text = await answer.text();
    const found = Number(answer.headers.get("mirror-seq") ?? 0);
    if (answer.status === 200 && found > seq) {
      const { data } = JSON.parse(text) as { readonly data: { readonly updated_at: unknown } };
      return { seq: found, updatedAt: data.updated_at, at: performance.now(), postedAt };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`nothing newer was readable after ${GIVEN_UP_MS} ms`);
}
