// What a hundred times as many records do to what is asked most: the same worker twice, one database small, one large.

import { type Bench, measurePair, shownLatency } from "./bench.ts";
import { bodyOf } from "./bodies.ts";
import type { Asked } from "./http-connections.ts";
import { get, post } from "./load.ts";
import { connect, fill, newKey } from "./mirrored.ts";
import { type Row, row } from "./report.ts";
import { startSystem } from "./system.ts";

const SMALL = 10_000;
const PAGE = 100;

interface Asking {
  readonly what: string;
  readonly atMost: number;
  /** The n-th request of a run, among so many rows. */
  readonly ask: (n: number, rows: number, key: Readonly<Record<string, string>>) => Asked;
  readonly of: "mirror" | "bare";
}

/** Spread over all rows, the same order each time. */
const anywhere = (n: number, rows: number) => (n * 7_919) % rows;

const ASKINGS: readonly Asking[] = [
  {
    ...{ what: "single read", atMost: 1.3, of: "mirror" },
    ask(n, rows, key) {
      const at = anywhere(n, rows);
      return get(`/v1/clients/client_${at}`, key, { status: 200, body: `{"data":${bodyOf(at)}}` });
    },
  },
  {
    ...{ what: "list of 100, from anywhere", atMost: 1.3, of: "mirror" },
    ask(n, rows, key) {
      const at = anywhere(n, rows - PAGE);
      const after = new Date(Date.parse("2026-01-01T00:00:00Z") + at).toISOString();
      const first = `{"data":[${bodyOf(at)},`;
      return get(`/v1/clients?limit=100&updated_after=${after}`, key, { status: 200, contains: first });
    },
  },
  {
    ...{ what: "feed page of 100, from anywhere", atMost: 1.3, of: "mirror" },
    ask(n, rows, key) {
      const after = anywhere(n, rows - PAGE);
      const first = `{"data":[{"seq":${after + 1},`;
      return get(`/v1/changes?limit=100&after=${after}`, key, { status: 200, contains: first });
    },
  },
  {
    ...{ what: "sweep: compare a page of 100", atMost: 1.5, of: "bare" },
    ask(n, rows) {
      const refs = Array.from({ length: PAGE }, (_, i) => ({
        kind: "clients",
        id: `client_${anywhere(n * PAGE + i, rows)}`,
      }));
      return post("/compare", {}, JSON.stringify(refs), { status: 200, body: String(PAGE) });
    },
  },
];

export async function measureGrowth(bench: Bench): Promise<readonly Row[]> {
  const large = bench.quick ? 100_000 : 1_000_000;
  const sizes = { small: SMALL, large };
  const system = await startSystem(
    bench.bundles,
    (["small", "large"] as const).flatMap((database) => [
      { runs: "mirror", as: `mirror-${database}`, database },
      { runs: "bare", as: `bare-${database}`, database },
    ]),
  );
  try {
    const keys = { small: {}, large: {} };
    for (const [size, rows] of Object.entries(sizes) as ["small" | "large", number][]) {
      const mirror = system.worker(`mirror-${size}`);
      await connect(mirror);
      await fill(mirror.db, rows);
      keys[size] = await newKey(mirror);
    }
    const found: Row[] = [];
    for (const asking of ASKINGS) {
      const side = (size: "small" | "large") => ({
        port: system.worker(`${asking.of}-${size}`).port,
        asked: askedBy(asking, sizes[size], keys[size]),
      });
      const pair = await measurePair(bench, 1, 50, side("large"), side("small"));
      found.push(
        row(pair.slowdown, {
          what: `${asking.what}, ${large / 1_000} k records`,
          against: `itself, ${SMALL / 1_000} k records`,
          aim: { atMost: asking.atMost },
          unit: " ×",
          note: shownLatency(pair).replace("bare", "small"),
        }),
      );
    }
    return found;
  } finally {
    await system.close();
  }
}

function askedBy({ ask }: Asking, rows: number, key: Readonly<Record<string, string>>) {
  let at = 0;
  return (count: number) => Array.from({ length: count }, () => ask(at++, rows, key));
}
