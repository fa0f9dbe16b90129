// What every measurement of the bench is given, and how pairs are measured: in turns, within one run.

import type { Bundles } from "./bundles.ts";
import type { Asked } from "./http-connections.ts";
import type { Load } from "./load.ts";
import type { Row } from "./report.ts";
import { type Figure, figure, percentile } from "./statistics.ts";

export interface Bench {
  readonly bundles: Bundles;
  readonly load: Load;
  /** Fewer runs, smaller ones, a tenth of the records: to see that everything works. */
  readonly quick: boolean;
  /** Progress, for whoever watches. */
  readonly say: (line: string) => void;
}

export type Measurement = (bench: Bench) => Promise<readonly Row[]>;

export interface Side {
  readonly port: number;
  /** Made before the clock runs, anew for each run. */
  readonly asked: (count: number) => readonly Asked[];
}

export interface Pair {
  /** Requests a second of the first, as a share of the second's. */
  readonly throughput: Figure;
  /** The same the other way round: how many times as long the first takes. */
  readonly slowdown: Figure;
  /** Medians over the runs, ms. */
  readonly first: Latency;
  readonly second: Latency;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

export const runsOf = ({ quick }: Bench) => (quick ? 3 : 9);

/** Many short turns instead of a few long ones: what disturbs the machine for a moment disturbs few of them. */
const turnsOf = ({ quick }: Bench) => (quick ? 9 : 63);

/** Of each, before what counts. */
const TURNS_TO_WARM_UP = 3;

/**
 * Both in each turn, by turns first.
 * @param count requests of one side in one turn
 */
export async function measurePair(
  bench: Bench,
  connections: number,
  count: number,
  first: Side,
  second: Side,
): Promise<Pair> {
  const each = bench.quick ? Math.ceil(count / 4) : count;
  const one = async ({ port, asked }: Side, requests = each) => {
    const { elapsedMs, latenciesMs } = await bench.load.run({ port, connections, asked: asked(requests) });
    return {
      p50: percentile(latenciesMs, 0.5),
      p99: percentile(latenciesMs, 0.99),
      perSecond: (requests / elapsedMs) * 1_000,
    };
  };
  for (const side of [first, second]) await one(side, TURNS_TO_WARM_UP * each);
  const firsts: Latency[] = [];
  const seconds: Latency[] = [];
  for (let turn = 0; turn < turnsOf(bench); turn++) {
    const turns = turn % 2 === 0 ? [first, second] : [second, first];
    for (const side of turns) (side === first ? firsts : seconds).push(await one(side));
  }
  const shares = firsts.map(({ perSecond }, i) => perSecond / (seconds[i]?.perSecond ?? Number.NaN));
  return {
    throughput: figure(shares),
    slowdown: figure(shares.map((share) => 1 / share)),
    first: medians(firsts),
    second: medians(seconds),
  };
}

function medians(all: readonly Latency[]): Latency {
  const of = (pick: (one: Latency) => number) => figure(all.map(pick)).median;
  return { p50: of((one) => one.p50), p99: of((one) => one.p99), perSecond: of((one) => one.perSecond) };
}

export const shownLatency = ({ first, second }: Pair) =>
  `p50 ${first.p50.toFixed(2)} ms, p99 ${first.p99.toFixed(1)} ms; bare ${second.p50.toFixed(2)}, ${second.p99.toFixed(1)}`;
