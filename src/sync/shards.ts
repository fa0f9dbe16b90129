// A connection's writers, as one: each ref goes to its own shard, one call per shard, but for what a list brought
// (sync/offers.ts). A shard that dies under a call is an interrupted look, never a failed batch.

import type { Ref } from "../core/ids.ts";
import type { Snapshot } from "../core/record.ts";
import { shardOf } from "../core/shard.ts";
import { type OfferDeps, offerTogether } from "./offers.ts";
import type { LookAsk, Looked, WalkingWriters, Writers } from "./ports.ts";
import { INTERRUPTED } from "./write.ts";

/**
 * @param shard the writer of one shard, 0 … shards−1
 * @param records the connection's rows, where offers are committed together
 */
export function shardedWriters(
  shards: number,
  shard: (number: number) => WalkingWriters,
  records: Pick<OfferDeps, "versions" | "commit">,
): WalkingWriters {
  async function spread<T>(
    entries: readonly T[],
    refOf: (entry: T) => Ref,
    call: (writers: Writers, entries: readonly T[]) => Promise<readonly Looked[]>,
  ): Promise<readonly Looked[]> {
    const results = new Array<Looked>(entries.length).fill(INTERRUPTED);
    const groups = Map.groupBy(entries.keys(), (i) => shardOf(refOf(entries[i] as T), shards));
    await Promise.all(
      [...groups].map(async ([number, positions]) => {
        const part = positions.map((i) => entries[i] as T);
        const looked = await call(shard(number), part).catch(() => []);
        positions.forEach((position, i) => {
          results[position] = looked[i] ?? INTERRUPTED;
        });
      }),
    );
    return results;
  }

  const toShards = (snapshots: readonly Snapshot[]) =>
    spread(
      snapshots,
      (snapshot) => snapshot,
      (writers, part) => writers.offer(part),
    );

  return {
    look: (asks) =>
      spread(
        asks,
        ({ ref }) => ref,
        (writers, part) => writers.look(part),
      ),
    async walk(asks, permits) {
      const [first] = asks;
      if (first === undefined) return [];
      const number = shardOf(first.ref, shards);
      const own = asks.findIndex(({ ref }: LookAsk) => shardOf(ref, shards) !== number);
      const looked = await shard(number)
        .walk(own < 0 ? asks : asks.slice(0, own), permits)
        .catch(() => []);
      return looked.length === 0 ? [INTERRUPTED] : looked;
    },
    offer: (snapshots, held) => offerTogether({ ...records, toShards }, snapshots, held),
  };
}
