// What the writer commits of what was fetched or offered.

import { describe, expect, it } from "vitest";
import type { Write } from "../../src/core/record.ts";
import { snapshotOf } from "../core/samples.ts";
import { connectedMemory, HERE, saw, settled } from "./world.ts";
import { only, setUp } from "./writer-set-up.ts";

describe("committing", () => {
  it("WR4 nothing is written when nothing changed, and no seq is spent", async () => {
    const commits: (readonly Write[])[] = [];
    const { memory } = await connectedMemory();
    const { look, upstream } = await setUp({
      versions: (refs) => memory.records.versions(HERE, refs),
      commit: (writes) => {
        commits.push(writes);
        return memory.records.commit(HERE, writes);
      },
    });
    for (let i = 0; i < 3; i++) {
      look();
      await settled();
      only(upstream.open).answer(saw(only(upstream.open), { updatedAt: 1, hash: "a" }));
      await settled();
    }
    expect(commits).toHaveLength(1);
    expect(memory.records.all(HERE)).toMatchObject([{ seq: 1 }]);
  });

  it("WR5 what arrives together goes into one statement, each record once", async () => {
    const commits: string[][] = [];
    const { writer } = await setUp({
      commit: async (writes) => {
        const keys = writes.map((write) => (write.write === "put" ? write.snapshot.id : write.ref.id));
        commits.push(keys);
        return new Set(keys.map((id) => `clients/${id}`));
      },
      versions: async () => new Map(),
    });
    const offered = ["a", "b", "a", "c"].map((id, i) => snapshotOf({ id, fetchedAt: i, hash: `h${i}` }));
    const looked = await writer.offer(offered);
    expect(looked.every(({ ok }) => ok)).toBe(true);
    expect(commits).toEqual([["a", "b", "c"], ["a"]]);
  });

  it("WR5 a commit that fails interrupts its looks and nothing else", async () => {
    let failing = true;
    const { memory } = await connectedMemory();
    const { look, upstream, writer } = await setUp({
      versions: (refs) => memory.records.versions(HERE, refs),
      commit: (writes) => (failing ? Promise.reject(new Error("away")) : memory.records.commit(HERE, writes)),
    });
    const seen = look();
    await settled();
    only(upstream.open).answer(saw(only(upstream.open), { hash: "a" }));
    await settled();
    expect(seen.looked).toEqual({ ok: false, failure: { kind: "interrupted" } });
    failing = false;
    expect(await writer.offer([snapshotOf({ fetchedAt: 1, hash: "a" })])).toMatchObject([
      { ok: true, decision: "insert" },
    ]);
  });

  it("WR3 what the guard refuses was overtaken: older, and what the mirror held is what it holds", async () => {
    const { memory } = await connectedMemory();
    const { writer } = await setUp({
      versions: (refs) => memory.records.versions(HERE, refs),
      commit: async () => new Set<string>(),
    });
    await memory.records.commit(HERE, [
      { write: "put", snapshot: snapshotOf({ fetchedAt: 1, updatedAt: 1 }) },
    ]);
    const [looked] = await writer.offer([snapshotOf({ fetchedAt: 2, updatedAt: 2, hash: "b" })]);
    expect(looked).toEqual({
      ok: true,
      decision: "older",
      version: { fetchedAt: 1, updatedAt: 1, hash: "a" },
    });
  });

  it("WR3 an offer is decided like a look: what a list brought late does not replace what is newer", async () => {
    const { writer, memory } = await setUp();
    const offer = async (updatedAt: number, fetchedAt: number, hash: string) =>
      (await writer.offer([snapshotOf({ updatedAt, fetchedAt, hash })]))[0];
    expect(await offer(2, 20, "b")).toMatchObject({ decision: "insert" });
    expect(await offer(1, 10, "a")).toMatchObject({ decision: "older" });
    expect(await offer(2, 30, "b")).toMatchObject({ decision: "unchanged" });
    expect(memory.records.all(HERE)).toMatchObject([{ hash: "b", seq: 1 }]);
  });

  it("WR5 a statement's parameter stays within what the database takes, whatever script its text is in", async () => {
    const bytes: number[] = [];
    const { writer } = await setUp({
      versions: async () => new Map(),
      commit: async (writes) => {
        bytes.push(Buffer.byteLength(JSON.stringify(writes)));
        return new Set();
      },
    });
    const body = JSON.stringify({ note: "漢".repeat(5_000) });
    await writer.offer(
      Array.from({ length: 190 }, (_, i) => snapshotOf({ id: `r${i}`, fetchedAt: 1, body })),
    );
    // D1 takes values of 2 MB.
    expect(Math.max(...bytes)).toBeLessThan(2_000_000);
  });
});
