// The access log on its way: together where reads come together, and never lost without a word.

import { describe, expect, it } from "vitest";
import { type AccessDeps, accessRecorder } from "../../src/sync/access.ts";
import type { AccessEntry } from "../../src/sync/privacy-stores.ts";
import { HERE, logMemory, settled } from "./world.ts";

const entry = (n: number): AccessEntry => ({
  id: `${String(n).padStart(13, "0")}-x`,
  connection: HERE,
  at: n,
  keyId: "key",
  action: "read",
  status: 200,
});

/** Sleeps and sends end when the test says so. */
function held(replaced: Partial<AccessDeps> = {}) {
  const sleeps: (() => void)[] = [];
  const sends: { readonly ids: readonly number[]; end: (error?: Error) => void }[] = [];
  const added: number[][] = [];
  const { log, lines } = logMemory();
  const record = accessRecorder({
    windowMs: 500,
    sleep: () => new Promise((resolve) => sleeps.push(resolve)),
    send: (batches) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve());
        sends.push({ ids: batches.flat().map(({ at }) => at), end });
      }),
    access: { add: async (entries) => void added.push(entries.map(({ at }) => at)) },
    log,
    ...replaced,
  });
  const done: number[] = [];
  return {
    sleeps,
    sends,
    added,
    lines,
    done,
    read: (n: number) => void record(entry(n)).then(() => done.push(n)),
    /** Everyone who sleeps wakes up, in order. */
    async wake(count = sleeps.length) {
      for (const go of sleeps.splice(0, count)) go();
      await settled();
    },
  };
}

describe("recording", () => {
  it("PR6 reads of one window share a message, and none is let go before it is sent", async () => {
    const { read, wake, sends, done } = held();
    for (const n of [1, 2, 3]) read(n);
    await wake();
    expect(sends.map(({ ids }) => ids)).toEqual([[1, 2, 3]]);
    expect(done).toEqual([]);
    sends[0]?.end();
    await settled();
    await wake();
    expect(done.sort()).toEqual([1, 2, 3]);
    expect(sends).toHaveLength(1);
  });

  it("PR6 a read that comes while others are sent waits for its own message, and repeats none of theirs", async () => {
    const { read, wake, sends, done } = held();
    read(1);
    read(2);
    await wake();
    read(3);
    await wake();
    expect(sends.map(({ ids }) => ids)).toEqual([[1, 2], [3]]);
    for (const { end } of sends) end();
    await settled();
    await wake();
    expect(done.sort()).toEqual([1, 2, 3]);
    expect(sends).toHaveLength(2);
  });

  it("PR6 an entry whose carrier died is sent by its own read after a while", async () => {
    const { read, wake, sends, done } = held();
    read(1);
    read(2);
    await wake();
    // The first one's send never ends.
    for (let turns = 0; turns < 20; turns++) await wake();
    expect(sends.map(({ ids }) => ids)).toEqual([[1, 2], [2]]);
    sends[1]?.end();
    await settled();
    expect(done).toEqual([2]);
  });

  it("PR6 what the queue refuses goes to the table, and what both refuse is counted aloud", async () => {
    const refusing = held();
    refusing.read(1);
    refusing.read(2);
    await refusing.wake();
    refusing.sends[0]?.end(new Error("the queue is full"));
    await settled();
    await refusing.wake();
    expect([refusing.added, refusing.done.sort(), refusing.lines]).toEqual([[[1, 2]], [1, 2], []]);

    const away = held({
      access: {
        add: async () => {
          throw new Error("no database");
        },
      },
    });
    away.read(1);
    away.read(2);
    await away.wake();
    away.sends[0]?.end(new Error("the queue is full"));
    await settled();
    await away.wake();
    expect([away.done.sort(), away.lines]).toEqual([[1, 2], ['error access_lost {"entries":2}']]);
  });

  it("PR6 a message holds a hundred entries, and a window of 0 waits for nobody", async () => {
    const sizes: number[] = [];
    const many = held({ send: async (batches) => void sizes.push(...batches.map((one) => one.length)) });
    for (let n = 0; n < 250; n++) many.read(n);
    await many.wake();
    expect(sizes).toEqual([100, 100, 50]);
    const alone = held({ windowMs: 0 });
    alone.read(1);
    await settled();
    expect([alone.sleeps.length, alone.sends.map(({ ids }) => ids)]).toEqual([0, [[1]]]);
  });
});
