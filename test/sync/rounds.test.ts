// The round of a walk: everything once, a slice at a time, few writers to a slice, whatever comes and goes meanwhile.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { Kind, Ref } from "../../src/core/ids.ts";
import { refKey } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { shardOf } from "../../src/core/shard.ts";
import { nextInRound, type Place, type RoundDeps } from "../../src/sync/rounds.ts";
import { idOf } from "../core/samples.ts";
import { connectedMemory } from "./world.ts";

const KINDS = ["staff", "clients"] as const;
const own = (held: Ref) => held;
const { connection } = await connectedMemory();

/** Ids of two kinds, which may come and go. */
function holding(shards: number, counts: Readonly<Record<(typeof KINDS)[number], number>>) {
  const name = (n: number) => `r${String(n).padStart(5, "0")}`;
  const held = new Map<Kind, Set<string>>(
    KINDS.map((kind) => [kind, new Set(Array.from({ length: counts[kind] }, (_, n) => name(n * 2)))]),
  );
  const deps: RoundDeps = {
    shards,
    records: {
      ids: async (_connection, kind, after, limit) =>
        [...(held.get(kind) ?? [])]
          .filter((id) => id > after)
          .sort()
          .slice(0, limit)
          .map((id) => ({ id: idOf(id) })),
    },
  };
  const next = (from: Place, budget: number) => nextInRound(deps, connection, KINDS, own, from, budget);
  return {
    held,
    name,
    next,
    all: () => KINDS.flatMap((kind) => [...(held.get(kind) ?? [])].map((id) => `${kind}/${id}`)),
  };
}

const isStart = ({ walkedTo = "", within }: Place) => walkedTo === "" && within === undefined;

it("SW9 a round meets everything once, a slice at a time, also when every slice is interrupted", async () => {
  const sizes = fc.record({ staff: fc.nat(30), clients: fc.nat(60) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 4, 16),
      sizes,
      fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(30)), { minLength: 100, maxLength: 100 }),
      async (shards, counts, slices) => {
        const { next, all } = holding(shards, counts);
        const met: string[] = [];
        let place: Place = {};
        for (const [budget, cut] of slices) {
          const { steps, end } = await next(place, budget);
          expect(steps.length).toBeLessThanOrEqual(budget);
          const done = cut === 0 ? steps : steps.slice(0, Math.max(1, cut));
          met.push(...done.map(({ ref }) => refKey(ref)));
          place = done.length === steps.length ? end : (done.at(-1)?.reached ?? place);
          if (isStart(place)) break;
        }
        expect(isStart(place)).toBe(true);
        expect(met.sort()).toEqual(all().sort());
      },
    ),
    { numRuns: 200 },
  );
});

it("SW9 what was there all the time is met, whatever comes and goes within a round", async () => {
  const change = fc.record({ kind: fc.constantFrom(...KINDS), number: fc.nat(80), comes: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 }), async (changes) => {
      const { held, name, next, all } = holding(4, { staff: 20, clients: 40 });
      const stayed = new Set(all());
      const met = new Set<string>();
      let place: Place = {};
      for (let slice = 0; slice < 200; slice++) {
        const { steps, end } = await next(place, 5);
        for (const { ref } of steps) met.add(refKey(ref));
        place = end;
        if (isStart(place)) break;
        for (const { kind, number, comes } of changes[slice] ?? []) {
          const id = name(number);
          if (comes) held.get(kind)?.add(id);
          else {
            held.get(kind)?.delete(id);
            stayed.delete(`${kind}/${id}`);
          }
        }
      }
      expect([...stayed].filter((key) => !met.has(key))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

it("SW9 a window that new records push on loses nothing at its end", async () => {
  const { held, next, all } = holding(16, { staff: 0, clients: limits.walkWindow });
  const stayed = all();
  const first = await next({}, 200);
  // Before the others, in the order of ids: as many leave the window at its end.
  for (let n = 0; n < 50; n++) held.get("clients")?.add(`a${n}`);
  const met = new Set(first.steps.map(({ ref }) => refKey(ref)));
  let place = first.end;
  for (let slice = 0; slice < 20 && !isStart(place); slice++) {
    const { steps, end } = await next(place, 200);
    for (const { ref } of steps) met.add(refKey(ref));
    place = end;
  }
  expect(stayed.filter((key) => !met.has(key))).toEqual([]);
});

it("CO1 the verifier's slice of a mirror of some hundred records is of two writers, or three", async () => {
  const { next } = holding(16, { staff: 20, clients: 500 });
  let place: Place = {};
  for (let slice = 0; slice < 20; slice++) {
    const { steps, end } = await next(place, 25);
    expect(new Set(steps.map(({ ref }) => shardOf(ref, 16))).size).toBeLessThanOrEqual(3);
    place = end;
  }
});
