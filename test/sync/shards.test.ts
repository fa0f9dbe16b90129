// The writers of a connection as a walk has them: one at a time, and one that dies is one look that was interrupted.

import { expect, it } from "vitest";
import { shardOf } from "../../src/core/shard.ts";
import type { LookAsk, Looked, WalkingWriters } from "../../src/sync/ports.ts";
import { shardedWriters } from "../../src/sync/shards.ts";
import { refOf } from "../core/samples.ts";

const PERMITS = { calls: 9, until: 0, report: false };
const LOOKED: Looked = { ok: true, decision: "unchanged" };
const ask = (id: number): LookAsk => ({ ref: refOf(String(id)), class: "verify" });
const shard = ({ ref }: LookAsk) => shardOf(ref, 4);

function setUp(walk: WalkingWriters["walk"]) {
  const asked: (readonly [number, number])[] = [];
  const none = async () => [];
  const records = { versions: async () => new Map(), commit: async () => new Set<string>() };
  const writers = shardedWriters(
    4,
    (number) => ({
      look: none,
      offer: none,
      walk: (asks, permits) => {
        asked.push([number, asks.length]);
        return walk(asks, permits);
      },
    }),
    records,
  );
  return { writers, asked };
}

it("WR1 a walk is of one writer: the first so many that are its own", async () => {
  const { writers, asked } = setUp(async (asks) => asks.map(() => LOOKED));
  const all = Array.from({ length: 40 }, (_, id) => ask(id));
  const own = all.filter((one) => shard(one) === 2);
  const others = all.filter((one) => shard(one) === 3);
  const looked = await writers.walk([...own.slice(0, 3), ...others.slice(0, 2), ...own.slice(3)], PERMITS);
  expect([asked, looked.length]).toEqual([[[2, 3]], 3]);
});

it("SW5 a writer that dies under a walk leaves one look interrupted: the walk goes on behind it", async () => {
  const { writers } = setUp(() => Promise.reject(new Error("the object was reset")));
  expect(await writers.walk([ask(1), ask(1)], PERMITS)).toEqual([
    { ok: false, failure: { kind: "interrupted" } },
  ]);
});
