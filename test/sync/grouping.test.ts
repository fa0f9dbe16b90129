// Group commit and slots, apart from what they are used for.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { createGroupCommit, createSlots } from "../../src/sync/grouping.ts";
import { settled } from "./world.ts";

interface Entry {
  readonly key: string;
  readonly size: number;
  readonly n: number;
}

/** A group commit whose runs the test lets finish one by one. */
function held() {
  const running: { group: readonly Entry[]; finish(): void; fail(): void }[] = [];
  const groups: (readonly Entry[])[] = [];
  const commit = createGroupCommit<Entry, number>({
    keyOf: ({ key }) => key,
    sizeOf: ({ size }) => size,
    run: (group) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
      groups.push(group);
      running.push({
        group,
        finish: () => resolve(group.map(({ n }) => n)),
        fail: () => reject(new Error("away")),
      });
      return promise;
    },
  });
  async function finishAll() {
    for (let done = 0; done < running.length; done++) {
      running[done]?.finish();
      await settled();
    }
  }
  return { commit, running, groups, finishAll };
}

const entry = (key: string, n: number, size = 1): Entry => ({ key, n, size });

describe("a group commit", () => {
  it("WR5 commits what comes at the same moment together, and what comes meanwhile together next", async () => {
    const { commit, groups, finishAll } = held();
    void commit(entry("a", 1));
    void commit(entry("b", 2));
    await settled();
    void commit(entry("c", 3));
    void commit(entry("d", 4));
    await settled();
    expect(groups.map((group) => group.length)).toEqual([2]);
    await finishAll();
    expect(groups.map((group) => group.map(({ n }) => n))).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("WR5 gives each its own result, and goes on after a failure", async () => {
    const { commit, running } = held();
    const first = commit(entry("a", 1)).catch(() => "failed");
    await settled();
    const second = commit(entry("b", 2));
    running[0]?.fail();
    await settled();
    running[1]?.finish();
    expect([await first, await second]).toEqual(["failed", 2]);
    const third = commit(entry("c", 3));
    await settled();
    running[2]?.finish();
    expect(await third).toBe(3);
  });

  it("WR3 keeps the order of each record's entries and never puts two of one into a group", async () => {
    const entries = fc.array(
      fc.record({
        key: fc.constantFrom("a", "b", "c"),
        size: fc.integer({ min: 0, max: limits.commitBytes }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(entries, async (parts) => {
        const { commit, groups, finishAll } = held();
        const results = parts.map((part, n) => commit({ ...part, n }));
        await settled();
        await finishAll();
        expect(await Promise.all(results)).toEqual(parts.map((_part, n) => n));
        for (const group of groups) expect(new Set(group.map(({ key }) => key)).size).toBe(group.length);
        const order = groups.flat();
        for (const key of ["a", "b", "c"]) {
          const own = order.filter((one) => one.key === key).map(({ n }) => n);
          expect(own).toEqual([...own].sort((x, y) => x - y));
        }
      }),
    );
  });

  it("WR5 a group holds no more rows or bytes than one statement takes, but always at least one", async () => {
    const { commit, groups, finishAll } = held();
    for (let n = 0; n < limits.commitRows + 5; n++) void commit(entry(`k${n}`, n));
    void commit(entry("big", 900, limits.commitBytes * 3));
    void commit(entry("small", 901));
    await settled();
    await finishAll();
    expect(groups.map((group) => group.length)).toEqual([limits.commitRows, 5, 1, 1]);
  });
});

describe("slots", () => {
  it("WR1 run as many at once as there are, the rest in the order they came, whatever fails", async () => {
    const slots = createSlots(2);
    const started: number[] = [];
    const ends: PromiseWithResolvers<void>[] = [];
    const calls = [0, 1, 2, 3].map((n) =>
      slots(async () => {
        started.push(n);
        const end = Promise.withResolvers<void>();
        ends.push(end);
        await end.promise;
        return n;
      }).catch(() => "failed"),
    );
    await settled();
    expect(started).toEqual([0, 1]);
    ends[1]?.reject(new Error("away"));
    await settled();
    expect(started).toEqual([0, 1, 2]);
    ends[0]?.resolve();
    await settled();
    expect(started).toEqual([0, 1, 2, 3]);
    ends[2]?.resolve();
    ends[3]?.resolve();
    expect(await Promise.all(calls)).toEqual([0, "failed", 2, 3]);
    const later = slots(async () => "later");
    expect(await later).toBe("later");
  });
});
