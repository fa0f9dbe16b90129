// L1 (RD5): rows this isolate has just read, for a moment. Bounded in entries and bytes, one row per connection,
// kind and id, whoever asked: what a key may see is decided after it. A row is dropped when a writer called from
// this isolate has written it; what other isolates write is seen when the moment is over.

import { LRUCache } from "lru-cache";
import { type ConnectionId, type Ref, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Looked, WalkingWriters } from "../sync/ports.ts";
import type { Copies, Held } from "../sync/read.ts";

export interface DroppableCopies extends Copies {
  drop(connection: ConnectionId, ref: Ref): void;
  clear(): void;
}

/** @param ttlMs 0: nothing is kept */
export function createCopies(now: () => number, ttlMs: number): DroppableCopies {
  const kept = new LRUCache<string, Held>({
    max: limits.copyEntries,
    maxSize: limits.copyBytes,
    // A character takes two bytes at most as stored and three as answered; the row and the headers are around them.
    sizeCalculation: ({ record }) => record.body.length * 5 + 2_048,
    ttl: Math.max(1, ttlMs),
    perf: { now },
    ttlResolution: 0,
  });
  // Bumped by every drop: a row whose reading began before is not kept.
  let drops = 0;
  const keyOf = (connection: ConnectionId, ref: Ref) => `${connection}/${refKey(ref)}`;

  return {
    get: (connection, ref) => (ttlMs === 0 ? undefined : kept.get(keyOf(connection, ref))),
    begin(connection, ref) {
      const [dropsBefore, startedAt] = [drops, now()];
      return (held) => {
        // Its moment began when it was read, not when it was kept.
        if (ttlMs > 0 && drops === dropsBefore) kept.set(keyOf(connection, ref), held, { start: startedAt });
      };
    },
    drop(connection, ref) {
      drops++;
      kept.delete(keyOf(connection, ref));
    },
    clear() {
      drops++;
      kept.clear();
    },
  };
}

/** Writers that drop what they wrote. */
export function dropping(
  copies: DroppableCopies,
  connection: ConnectionId,
  writers: WalkingWriters,
): WalkingWriters {
  function dropWritten(refs: readonly Ref[], looked: readonly Looked[]): readonly Looked[] {
    refs.forEach((ref, i) => {
      const one = looked[i];
      // A call that failed may have written all the same.
      if (!one?.ok || one.decision !== "unchanged") copies.drop(connection, ref);
    });
    return looked;
  }
  return {
    look: async (asks) =>
      dropWritten(
        asks.map(({ ref }) => ref),
        await writers.look(asks),
      ),
    walk: async (asks, permits) =>
      dropWritten(
        asks.map(({ ref }) => ref),
        await writers.walk(asks, permits),
      ),
    offer: async (snapshots, held) => dropWritten(snapshots, await writers.offer(snapshots, held)),
  };
}
