// What a list brought: in one statement where it is plainly new, through its writer where it is not.

import { describe, expect, it } from "vitest";
import type { Snapshot, Write } from "../../src/core/record.ts";
import { refOfWrite } from "../../src/core/record.ts";
import { offerTogether } from "../../src/sync/offers.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { snapshotOf } from "../core/samples.ts";
import { connectedMemory, HERE } from "./world.ts";

const older = { ok: true, decision: "older" } as const;

async function setUp() {
  const { memory } = await connectedMemory();
  const commits: string[][] = [];
  const toShard: string[] = [];
  const deps = {
    versions: (refs: Parameters<typeof memory.records.versions>[1]) => memory.records.versions(HERE, refs),
    commit: (writes: readonly Write[]) => {
      commits.push(writes.map((write) => refOfWrite(write).id));
      return memory.records.commit(HERE, writes);
    },
    toShards: async (snapshots: readonly Snapshot[]): Promise<readonly Looked[]> => {
      toShard.push(...snapshots.map(({ id }) => id));
      return snapshots.map(() => older);
    },
  };
  return { memory, commits, toShard, deps };
}

const seen = (id: string, updatedAt: number, hash = "h", fetchedAt = 1_000) =>
  snapshotOf({ id, updatedAt, hash, fetchedAt });

describe("an offer", () => {
  it("WR5 what is plainly new is one statement, whatever its shards", async () => {
    const { memory, commits, toShard, deps } = await setUp();
    await offerTogether(deps, [seen("a", 5)]);
    const looked = await offerTogether(deps, [seen("a", 6, "h2", 2_000), seen("b", 5), seen("c", 5)]);
    expect(looked).toMatchObject([
      { ok: true, decision: "update", version: { updatedAt: 6, fetchedAt: 2_000 }, shown: { hash: "h2" } },
      { ok: true, decision: "insert" },
      { ok: true, decision: "insert" },
    ]);
    expect(commits).toEqual([["a"], ["a", "b", "c"]]);
    expect(toShard).toEqual([]);
    expect(memory.records.all(HERE).map(({ id, hash }) => `${id} ${hash}`)).toEqual(["a h2", "b h", "c h"]);
  });

  it("WR3 what is unchanged, older or goes back in time is its writer's to judge, in its place", async () => {
    const { commits, toShard, deps } = await setUp();
    await offerTogether(deps, [seen("same", 5), seen("back", 5), seen("late", 5)]);
    commits.length = 0;
    const looked = await offerTogether(deps, [
      seen("same", 5),
      seen("new", 5),
      seen("back", 4, "h2", 2_000),
      seen("late", 4, "h2", 500),
    ]);
    expect(commits).toEqual([["new"]]);
    expect(toShard).toEqual(["same", "back", "late"]);
    expect(looked).toMatchObject([older, { decision: "insert" }, older, older]);
  });

  it("WR3 what the guard refuses goes to its writer: something newer was there first", async () => {
    const { memory, toShard, deps } = await setUp();
    await offerTogether(deps, [seen("a", 9)]);
    const before = { ...deps, versions: async () => new Map() };
    expect(await offerTogether(before, [seen("a", 5, "h2", 500), seen("b", 5)])).toMatchObject([
      older,
      { decision: "insert" },
    ]);
    expect(toShard).toEqual(["a"]);
    expect(memory.records.all(HERE).map(({ id, updatedAt }) => [id, updatedAt])).toEqual([
      ["a", 9],
      ["b", 5],
    ]);
  });

  it("WR4 the same record twice in a page is two groups, and the second of equal content writes nothing", async () => {
    const { commits, deps } = await setUp();
    await offerTogether(deps, [seen("a", 5), seen("a", 5)]);
    expect(commits).toEqual([["a"], ["a"]]);
  });

  it("WR5 a database that is away interrupts all of them", async () => {
    const { deps } = await setUp();
    const away = async () => {
      throw new Error("the database is away");
    };
    const interrupted = { ok: false, failure: { kind: "interrupted" } };
    expect(await offerTogether({ ...deps, commit: away }, [seen("a", 5)])).toEqual([interrupted]);
    expect(await offerTogether({ ...deps, versions: away }, [seen("a", 5)])).toEqual([interrupted]);
  });
});
