// The guard in the statement that writes, case by case and against core/decide.ts over every combination.

import { beforeAll, describe, expect, it } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { refKey } from "../../src/core/ids.ts";
import type { Sight, Snapshot, Write } from "../../src/core/record.ts";
import { migrate } from "../support/bindings.ts";
import { bury, createStores, newConnection, put, ref, snapshot } from "../support/stores.ts";

const stores = createStores();
beforeAll(migrate);

type Case = readonly [rule: string, sentence: string, before: Write[], then: Write, written: boolean];

const held = put("x", { updatedAt: 50, fetchedAt: 100, hash: "a" });
const cases: readonly Case[] = [
  ["WR3", "a record over nothing is written", [], held, true],
  ["WR7", "a tombstone over nothing is refused", [], bury("x", 100), false],
  [
    "WR3",
    "newer by the upstream's clock is written, whenever fetched",
    [held],
    put("x", { updatedAt: 51, fetchedAt: 90, hash: "b" }),
    true,
  ],
  [
    "WR3",
    "older by the upstream's clock is refused, even fetched later",
    [held],
    put("x", { updatedAt: 49, fetchedAt: 200, hash: "b" }),
    false,
  ],
  [
    "WR3",
    "of an equal instant, the later fetch is written",
    [held],
    put("x", { updatedAt: 50, fetchedAt: 101, hash: "b" }),
    true,
  ],
  [
    "WR3",
    "of an equal instant, a fetch no later is refused",
    [held],
    put("x", { updatedAt: 50, fetchedAt: 100, hash: "b" }),
    false,
  ],
  ["WR3", "undated, the later fetch is written", [held], put("x", { fetchedAt: 101, hash: "b" }), true],
  ["WR3", "undated, an earlier fetch is refused", [held], put("x", { fetchedAt: 99, hash: "b" }), false],
  [
    "WR4",
    "the same content is refused, whatever its clock",
    [held],
    put("x", { updatedAt: 60, fetchedAt: 200, hash: "a" }),
    false,
  ],
  ["WR7", "a tombstone of a later fetch is written", [held], bury("x", 101), true],
  ["WR7", "a tombstone of a fetch no later is refused", [held], bury("x", 100), false],
  ["WR7", "a second tombstone is refused", [held, bury("x", 101)], bury("x", 200), false],
  [
    "WR7",
    "a record fetched after its tombstone is written",
    [held, bury("x", 101)],
    put("x", { fetchedAt: 102 }),
    true,
  ],
  [
    "WR7",
    "a record fetched before its tombstone is refused, however new",
    [held, bury("x", 101)],
    put("x", { updatedAt: 999, fetchedAt: 100, hash: "b" }),
    false,
  ],
  [
    "WR3",
    "a step back is written over the content it was decided against",
    [held],
    { write: "put", snapshot: snapshot("x", { updatedAt: 1, fetchedAt: 200, hash: "b" }), overHash: "a" },
    true,
  ],
  [
    "WR3",
    "a step back is refused over any other content",
    [held],
    { write: "put", snapshot: snapshot("x", { updatedAt: 1, fetchedAt: 200, hash: "b" }), overHash: "z" },
    false,
  ],
];

describe("the guard", () => {
  it.each(cases)("%s %s", async (_rule, _sentence, before, then, written) => {
    const connection = await newConnection(stores);
    for (const write of before) await stores.records.commit(connection, [write]);
    const keys = await stores.records.commit(connection, [then]);
    expect([...keys]).toEqual(written ? ["clients/x"] : []);
  });

  it("WR3 the guard and the decision agree on every combination of what is held and what is seen", async () => {
    const connection = await newConnection(stores);
    const combinations = heldStates().flatMap((state) => sights().map((sight) => ({ state, sight })));
    for (const step of [0, 1]) {
      const writes = combinations.flatMap(({ state }, i) => toWrites(state, `r${i}`)[step] ?? []);
      await inGroups(writes, (group) => stores.records.commit(connection, group));
    }
    const versions = await stores.records.versions(
      connection,
      combinations.map((_, i) => ref(`r${i}`)),
    );
    const decided = combinations.map(({ sight }, i) => {
      const seen = named(sight, `r${i}`);
      const { fetchedAt } = seen.kind === "gone" ? seen : seen.snapshot;
      const about = seen.kind === "gone" ? "gone" : "back-in-time";
      const { write } = decide(versions.get(`clients/r${i}`), seen, { about, since: fetchedAt - 60_000 });
      return { agreed: write !== undefined, write: write ?? rawWrite(seen), key: `clients/r${i}` };
    });
    const written = new Set<string>();
    await inGroups(
      decided.map(({ write }) => write),
      async (group) => {
        for (const key of await stores.records.commit(connection, group)) written.add(key);
      },
    );
    const disagreements = decided.filter(({ agreed, key }) => agreed !== written.has(key));
    expect(disagreements).toEqual([]);
    expect(combinations.length).toBe(28 * 27);
    expect(written.size).toBe(decided.filter(({ agreed }) => agreed).length);
    expect(written.size).toBeGreaterThan(200);
  });

  it("WR3 every order of arrival of the same versions ends at the same version", async () => {
    const connection = await newConnection(stores);
    const versions = [1, 2, 3, 4].map((n) => ({ updatedAt: n, fetchedAt: 100 + n, hash: `h${n}` }));
    const orders = permutations(versions);
    for (const step of versions.keys()) {
      const writes = orders.map((order, i) => put(`p${i}`, order[step]));
      await stores.records.commit(connection, writes);
    }
    const refs = orders.map((_, i) => ref(`p${i}`));
    const held = await stores.records.versions(connection, refs);
    expect(new Set(refs.map((one) => held.get(refKey(one))?.hash))).toEqual(new Set(["h4"]));
    expect(orders).toHaveLength(24);
  });
});

interface HeldState {
  readonly record?: Partial<Snapshot>;
  readonly buriedAt?: number;
}

function heldStates(): HeldState[] {
  const tombstones = FETCHED.map((buriedAt) => ({ record: { fetchedAt: 1 }, buriedAt }));
  return [{}, ...tombstones, ...contents().map((record) => ({ record }))];
}

/** Far enough apart for a doubt to begin and be confirmed between two of them. */
const FETCHED = [70_001, 140_002, 210_003];

function contents(): Partial<Snapshot>[] {
  return FETCHED.flatMap((fetchedAt) =>
    [undefined, 1, 2, 3].flatMap((updatedAt) =>
      ["a", "b"].map((hash) => ({ fetchedAt, hash, ...(updatedAt === undefined ? {} : { updatedAt }) })),
    ),
  );
}

function sights(): Sight[] {
  const seen = contents().map((content): Sight => ({ kind: "record", snapshot: snapshot("", content) }));
  return [...seen, ...FETCHED.map((fetchedAt): Sight => ({ kind: "gone", ref: ref(""), fetchedAt }))];
}

function named(sight: Sight, id: string): Sight {
  return sight.kind === "gone"
    ? { ...sight, ref: ref(id) }
    : { ...sight, snapshot: { ...sight.snapshot, ...ref(id) } };
}

/** What a caller without any decision would write. */
function rawWrite(sight: Sight): Write {
  return sight.kind === "gone"
    ? { write: "tombstone", ref: sight.ref, fetchedAt: sight.fetchedAt }
    : { write: "put", snapshot: sight.snapshot };
}

function toWrites({ record, buriedAt }: HeldState, id: string): Write[] {
  const first = record ? [put(id, record)] : [];
  return buriedAt === undefined ? first : [...first, bury(id, buriedAt)];
}

async function inGroups(writes: readonly Write[], run: (group: Write[]) => Promise<unknown>) {
  for (let i = 0; i < writes.length; i += 200) await run(writes.slice(i, i + 200));
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) =>
    permutations(items.filter((_, other) => other !== i)).map((rest) => [item, ...rest]),
  );
}
