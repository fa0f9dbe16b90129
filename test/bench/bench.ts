// What every measurement of the bench is given, and how pairs are measured: in turns, within one run.

import type { Bundles } from "./bundles.ts";
import type { Asked, Loaded } from "./http-connections.ts";
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
  readonly first: Latency;
  readonly second: Latency;
}

/** Over all requests of all turns, ms. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export const runsOf = ({ quick }: Bench) => (quick ? 3 : 9);

/**
 * Many turns, so short that what disturbs the machine disturbs both sides of one: the middle half of the shares of the
 * same two workers lies within 0.2 then, and within 0.4 where turns are six times as long.
 */
const turnsOf = ({ quick }: Bench) => (quick ? 20 : 200);

/** As many turns' requests of each, before what counts. */
const TURNS_TO_WARM_UP = 20;

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
  const run = ({ port, asked }: Side, requests: number) =>
    bench.load.run({ port, connections, asked: asked(requests) });
  for (const side of [first, second]) await run(side, TURNS_TO_WARM_UP * each);
  const ours: Loaded[] = [];
  const theirs: Loaded[] = [];
  for (let turn = 0; turn < turnsOf(bench); turn++) {
    const order = turn % 2 === 0 ? [first, second] : [second, first];
    for (const side of order) (side === first ? ours : theirs).push(await run(side, each));
  }
  const shares = ours.map(({ elapsedMs }, i) => (theirs[i]?.elapsedMs ?? Number.NaN) / elapsedMs);
  return {
    throughput: figure(shares),
    slowdown: figure(shares.map((share) => 1 / share)),
    first: latencyOf(ours),
    second: latencyOf(theirs),
  };
}

function latencyOf(turns: readonly Loaded[]): Latency {
  const all = turns.flatMap(({ latenciesMs }) => latenciesMs);
  return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
}

export const shownLatency = ({ first, second }: Pair) =>
  `p50 ${first.p50.toFixed(2)} ms, p99 ${first.p99.toFixed(1)} ms; bare ${second.p50.toFixed(2)}, ${second.p99.toFixed(1)}`;
