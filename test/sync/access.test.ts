// The access log on its way: together where reads come together, and never lost without a word.

import { describe, expect, it } from "vitest";
import type { Access, AccessPart } from "../../src/core/access.ts";
import { limits } from "../../src/core/limits.ts";
import { type AccessDeps, accessRecorder } from "../../src/sync/access.ts";
import { HERE, logMemory, settled } from "./world.ts";

const entry = (n: number): Access => ({
  connection: HERE,
  at: n,
  keyId: "key",
  action: "read",
  status: 200,
});

/** As a row tells them: when, and by which number of the isolate's. */
function told(parts: readonly AccessPart[]) {
  return parts.flatMap(({ text }) => {
    const { origin, first, since, entries } = JSON.parse(text);
    return (entries as [number][]).map(([after], i) => ({ at: since + after, id: `${origin}-${first + i}` }));
  });
}

/** Sleeps and sends end when the test says so. */
function held(replaced: Partial<AccessDeps> = {}) {
  const sleeps: (() => void)[] = [];
  const sends: { readonly at: readonly number[]; end: (error?: Error) => void }[] = [];
  const sent: string[] = [];
  const added: number[][] = [];
  const { log, lines } = logMemory();
  const record = accessRecorder({
    windowMs: 500,
    newId: () => "origin",
    sleep: () => new Promise((resolve) => sleeps.push(resolve)),
    send: (parts) =>
      new Promise((resolve, reject) => {
        const entries = told(parts);
        sent.push(...entries.map(({ id }) => id));
        const end = (error?: Error) => (error ? reject(error) : resolve());
        sends.push({ at: entries.map(({ at }) => at), end });
      }),
    access: { add: async (parts) => void added.push(told(parts).map(({ at }) => at)) },
    log,
    ...replaced,
  });
  const [staying, done]: [number[], number[]] = [[], []];
  return {
    sleeps,
    sends,
    sent,
    added,
    lines,
    /** Reads that stay alive for their window, and those whose work is over. */
    staying,
    done,
    read(...reads: number[]) {
      for (const n of reads) {
        record(entry(n), (work) => {
          staying.push(n);
          work.then(() => done.push(n));
        });
      }
    },
    /** Everyone who sleeps wakes up, in order. */
    async wake(count = sleeps.length) {
      for (const go of sleeps.splice(0, count)) go();
      await settled();
    },
    /** Who waits now never wakes. */
    die(count: number) {
      sleeps.splice(0, count);
    },
  };
}

describe("recording", () => {
  it("PR6 reads of one window share a message, and two of them stay until it is sent", async () => {
    const { read, wake, sends, staying, done } = held();
    read(1, 2, 3, 4);
    await wake();
    expect(sends.map(({ at }) => at)).toEqual([[1, 2, 3, 4]]);
    expect([staying, done]).toEqual([[1, 2], []]);
    sends[0]?.end();
    await settled();
    await wake();
    expect(done).toEqual([1, 2]);
    expect(sends).toHaveLength(1);
  });

  it("PR6 a read that comes while others are sent begins a window of its own, and repeats none of theirs", async () => {
    const { read, wake, sends, sent, staying, done } = held();
    read(1, 2);
    await wake();
    read(3);
    await wake();
    expect(sends.map(({ at }) => at)).toEqual([[1, 2], [3]]);
    for (const { end } of sends) end();
    await settled();
    await wake();
    expect([staying, done]).toEqual([
      [1, 2, 3],
      [1, 3, 2],
    ]);
    expect(sent).toEqual([1, 2, 3].map((n) => `origin-${n - 1}`));
  });

  it("PR6 the second who stays sends a window, by the same ids, when the first died before or while sending", async () => {
    const before = held();
    before.read(1, 2, 3);
    before.die(1);
    await before.wake();
    expect(before.sends.map(({ at }) => at)).toEqual([[1, 2, 3]]);

    const { read, wake, sends, sent, done } = held();
    read(1, 2, 3);
    await wake();
    // The first one's send never ends.
    for (let turns = 0; turns < limits.accessTurns; turns++) await wake();
    expect(sends.map(({ at }) => at)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(sent.slice(3)).toEqual(sent.slice(0, 3));
    sends[1]?.end();
    await settled();
    expect(done).toEqual([2]);
  });

  it("PR6 a window that both left unsent is sent by a read that comes too late for it", async () => {
    const { read, wake, die, sends, staying } = held();
    read(1, 2, 3);
    die(2);
    read(1_001);
    expect(staying).toEqual([1, 2]);
    read(1_002);
    expect(staying).toEqual([1, 2, 1_002]);
    await wake();
    expect(sends.map(({ at }) => at)).toEqual([[1, 2, 3, 1_001, 1_002]]);
  });

  it("PR6 a full window is sent at once; while nothing can be sent memory stays bounded and each read sends its own", async () => {
    const many = Array.from({ length: limits.accessWaiting }, (_, n) => Math.floor(n / 10));
    const { read, sends, sleeps } = held();
    read(...many);
    await settled();
    const windows = limits.accessWaiting / limits.accessWindowEntries;
    expect(sends.map(({ at }) => at.length)).toEqual(
      Array.from({ length: windows }, () => limits.accessWindowEntries),
    );
    expect(sleeps).toHaveLength(2 * windows);
    read(-1);
    expect(sends.at(-1)?.at).toEqual([-1]);
    for (const { end } of sends) end();
    await settled();
    read(-2);
    expect(sends.at(-1)?.at).toEqual([-1]);
  });

  it("PR6 what the queue refuses goes to the table, and what both refuse is counted aloud", async () => {
    const refusing = held();
    refusing.read(1, 2);
    await refusing.wake();
    refusing.sends[0]?.end(new Error("the queue is full"));
    await settled();
    await refusing.wake();
    expect([refusing.added, refusing.done, refusing.lines]).toEqual([[[1, 2]], [1, 2], []]);

    const away = held({
      access: {
        add: async () => {
          throw new Error("no database");
        },
      },
    });
    away.read(1, 2);
    await away.wake();
    away.sends[0]?.end(new Error("the queue is full"));
    await settled();
    await away.wake();
    expect([away.done, away.lines]).toEqual([[1, 2], ['error access_lost {"entries":2}']]);
  });

  it("PR6 a window of 0 waits for nobody", async () => {
    const alone = held({ windowMs: 0 });
    alone.read(1);
    await settled();
    expect([alone.sleeps.length, alone.sends.map(({ at }) => at)]).toEqual([0, [[1]]]);
  });
});
