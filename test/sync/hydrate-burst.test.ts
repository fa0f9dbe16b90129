// Many records of one kind at once: by list where that costs fewer calls, singly where not.

import { describe, expect, it } from "vitest";
import type { Kind } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { listBurst } from "../../src/sync/burst.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { snapshotOf } from "../core/samples.ts";
import { consumer } from "./consumer.ts";
import { changedEvent, HERE, START } from "./world.ts";

const CHANGED = START - 777;

async function setUp(count: number, kind: Kind = "clients") {
  const one = await consumer();
  const records = Array.from({ length: count }, (_, i) => `r${String(i).padStart(2, "0")}`);
  for (const record of records)
    one.upstream.held.set(`${kind}/${record}`, { updatedAt: CHANGED, hash: record });
  const events = records.map((record) =>
    changedEvent({ id: `e_${record}`, kind, record, createdAt: CHANGED }),
  );
  const callsOf = (verb: string) => one.upstream.calls.filter((call) => call.startsWith(verb));
  return { ...one, events, callsOf };
}

describe("a burst", () => {
  it("WR9 of nine records is fetched singly", async () => {
    const { hydrate, events, callsOf } = await setUp(9);
    await hydrate(events);
    expect(callsOf("GET")).toHaveLength(9);
    expect(callsOf("LIST")).toEqual([]);
  });

  it("WR9 of ten is read by list first, within a quarter of their number in pages; the rest is fetched singly", async () => {
    const { hydrate, events, callsOf, memory, outcomes } = await setUp(10);
    const settlements = await hydrate(events);
    // Two pages of two rows: what they did not bring is fetched.
    expect(callsOf("LIST")).toEqual(["LIST clients", "LIST clients 2"]);
    expect(callsOf("GET")).toHaveLength(6);
    expect(settlements).toEqual(new Array(10).fill({ result: "ack" }));
    expect(memory.records.all(HERE)).toHaveLength(10);
    expect((await outcomes()).every((outcome) => outcome.endsWith("insert"))).toBe(true);
  });

  it("WR9 counts records, not events", async () => {
    const { hydrate, events, callsOf } = await setUp(5);
    const more = events.map(({ body }) =>
      changedEvent({ id: `${body.eventId}_b`, record: body.eventId.slice(2), createdAt: CHANGED }),
    );
    await hydrate([...events, ...more]);
    expect(callsOf("LIST")).toEqual([]);
    expect(callsOf("GET")).toHaveLength(5);
  });

  it("WR9 of a kind without a list is fetched singly, and kinds do not add up", async () => {
    const statuses = await setUp(12, "assessment-status");
    await statuses.hydrate(statuses.events);
    expect(statuses.callsOf("LIST")).toEqual([]);
    const clients = await setUp(6);
    const staff = (await setUp(6, "staff")).events.map(({ body, attempts }) => ({
      attempts,
      body: { ...body, eventId: `s_${body.eventId}` as typeof body.eventId },
    }));
    await clients.hydrate([...clients.events, ...staff]);
    expect(clients.callsOf("LIST")).toEqual([]);
  });

  it("WR9 whose list fails is no failure: all are fetched singly", async () => {
    const { hydrate, events, callsOf, upstream } = await setUp(10);
    upstream.failures.set("clients", { kind: "server_error", status: 500 });
    expect(await hydrate(events)).toEqual(new Array(10).fill({ result: "ack" }));
    expect(callsOf("GET")).toHaveLength(10);
  });

  it("WR9 leaves out events of long before, over which a list would stretch", async () => {
    const { hydrate, events, callsOf } = await setUp(9);
    const old = changedEvent({ id: "e_old", record: "old", createdAt: CHANGED - limits.burstSpanMs - 1 });
    await hydrate([...events, old]);
    expect(callsOf("LIST")).toEqual([]);
    expect(callsOf("GET")).toHaveLength(10);
  });

  it("WR9 brings what the list shows beside what was asked for, so the next batch finds it there", async () => {
    const { hydrate, events, upstream, memory, clock } = await setUp(10);
    clock.pass(1);
    upstream.held.set("clients/other", { updatedAt: CHANGED - 1, hash: "other" });
    await hydrate(events);
    const calls = upstream.calls.length;
    expect(memory.records.all(HERE).map(({ id }) => id)).toContain("other");
    await hydrate([changedEvent({ id: "e_other", record: "other", createdAt: CHANGED - 1 })]);
    expect(upstream.calls).toHaveLength(calls);
  });

  it("WR6 what a list shows too old is looked at again like any other", async () => {
    const { hydrate, events, upstream } = await setUp(10);
    upstream.held.set("clients/r00", { updatedAt: CHANGED - 20_000, hash: "lagging" });
    const settlements = await hydrate(events);
    expect(settlements[0]).toEqual({ result: "retry", delaySeconds: 2 });
    expect(settlements.slice(1)).toEqual(new Array(9).fill({ result: "ack" }));
  });
});

describe("bursts side by side", () => {
  it("WR9 one list serves the batches beside it, and those that wait behind", async () => {
    const { hydrate, events, callsOf, clock } = await setUp(40);
    clock.pass(1);
    const batches = [events.slice(0, 10), events.slice(10, 20), events.slice(20, 30)];
    // One turn of the loop: long enough for a list whose upstream answers at once.
    const sleep = () => new Promise<void>((wake) => setImmediate(wake));
    const settlements = await Promise.all(
      batches.map((batch) => hydrate(batch, { backlog: async () => 1_500, sleep })),
    );
    expect(settlements.flat()).toEqual(new Array(30).fill({ result: "ack" }));
    await hydrate(events.slice(30));
    // Forty records, two to a page.
    expect(callsOf("LIST")).toHaveLength(20);
    expect(callsOf("GET")).toEqual([]);
  });

  it("WR9 while the burst still comes in, its list waits; when it has come, or for too long, it is read", async () => {
    const waits = async (growing: (turn: number) => number) => {
      const { hydrate, events, callsOf, clock } = await setUp(10);
      const before = clock.now();
      let turn = 0;
      const backlog = async () => growing(turn++);
      expect(await hydrate(events, { backlog })).toEqual(new Array(10).fill({ result: "ack" }));
      expect(callsOf("LIST").length).toBeGreaterThan(0);
      return (clock.now() - before) / limits.burstTurnMs;
    };
    expect(await waits(() => 0)).toBe(0);
    expect(await waits(() => 30)).toBe(1);
    expect(await waits((turn) => 30 + 100 * Math.min(turn, 3))).toBe(4);
    expect(await waits((turn) => 30 + 100 * turn)).toBe(limits.burstGathers);
  });

  it("WR9 who waited in vain lists what is open then, in its own name", async () => {
    const { hydrate, events, callsOf, gate } = await setUp(12);
    expect(await gate.lease("burst/clients", "somebody else", 30_000)).toBe(true);
    expect(await hydrate(events)).toEqual(new Array(12).fill({ result: "ack" }));
    expect(callsOf("LIST")).toHaveLength(3);
    // It is let go.
    expect(await gate.lease("burst/clients", "the next", 1)).toBe(true);
  });

  it("WR9 a list that never ends elsewhere holds nobody up for ever: the records are fetched singly", async () => {
    const { hydrate, events, callsOf, clock } = await setUp(10);
    const before = clock.now();
    const gate = { lease: async () => false, release: async () => {} };
    expect(await hydrate(events, { gate })).toEqual(new Array(10).fill({ result: "ack" }));
    expect(callsOf("LIST")).toEqual([]);
    expect(clock.now() - before).toBe(limits.burstTurns * limits.burstTurnMs);
  });
});

describe("a route that never answered", () => {
  it("WR9 leaves its records to the list, however few", async () => {
    const { hydrate, events, upstream, callsOf, memory } = await setUp(2, "organizations");
    upstream.noSingle = true;
    expect(await hydrate(events)).toEqual(new Array(2).fill({ result: "ack" }));
    expect(callsOf("GET")).toHaveLength(2);
    expect(callsOf("LIST")).toEqual(["LIST organizations"]);
    expect(memory.records.all(HERE)).toHaveLength(2);
  });

  it("WR7 buries nothing that neither route nor list shows: it is left to the sweep", async () => {
    const { hydrate, upstream, clock, outcomes, memory } = await setUp(0, "organizations");
    upstream.noSingle = true;
    const event = changedEvent({ kind: "organizations", record: "o1", createdAt: CHANGED });
    expect(await hydrate([event])).toMatchObject([{ result: "retry" }]);
    clock.pass(120_000);
    expect(await hydrate([{ ...event, attempts: 2 }])).toEqual([{ result: "ack" }]);
    expect(await outcomes()).toEqual(["evt_1 lagging"]);
    expect(memory.records.all(HERE)).toEqual([]);
  });
});

describe("the list of a burst", () => {
  const burst = (count: number, since = 1_000_000) =>
    Array.from({ length: count }, (_, i) => ({ key: `clients/r${i}`, since: since + i }));
  const offer = async (snapshots: readonly unknown[]): Promise<readonly Looked[]> =>
    snapshots.map(() => ({ ok: true, decision: "insert" }));
  const writers = { offer, look: async () => [] };
  const versions = async () => new Map();
  const alone = { writers, versions, sleep: async () => {} };

  it("WR9 asks from a little before the oldest event", async () => {
    const asked: unknown[] = [];
    const listChanged = async (_kind: Kind, since: number | undefined) => {
      asked.push(since);
      return { ok: true, value: { snapshots: [], unreadable: 0 } } as const;
    };
    await listBurst({ ...alone, listChanged }, "clients", burst(10), new Map());
    expect(asked).toEqual([1_000_000 - limits.burstSlackMs]);
  });

  it("WR9 stops as soon as every record waited for was seen", async () => {
    let pages = 0;
    const looks = new Map<string, Looked>();
    const listChanged = async () => {
      const snapshots = Array.from({ length: 10 }, (_, i) =>
        snapshotOf({ id: `r${pages * 10 + i}`, fetchedAt: 1 }),
      );
      return { ok: true, value: { snapshots, unreadable: 0, nextUrl: `p${++pages}` } } as const;
    };
    await listBurst({ ...alone, listChanged }, "clients", burst(20), looks);
    expect(pages).toBe(2);
    expect(looks.size).toBe(20);
  });

  it("WR9 what the mirror holds as it is goes to no writer, unless it is waited for", async () => {
    const page = burst(12).map((_, i) => snapshotOf({ id: `r${i}`, fetchedAt: 1, hash: `h${i}` }));
    const listChanged = async () => ({ ok: true, value: { snapshots: page, unreadable: 0 } }) as const;
    const held = (i: number, more = {}) =>
      [`clients/r${i}`, { fetchedAt: 0, hash: `h${i}`, ...more }] as const;
    const stored = new Map([held(0), held(10), held(11, { hash: "another" })]);
    const offered: string[] = [];
    const offering = {
      ...writers,
      offer: (of: readonly { id: string }[]) => {
        offered.push(...of.map(({ id }) => id));
        return offer(of);
      },
    };
    const looks = new Map<string, Looked>();
    const deps = { ...alone, listChanged, writers: offering, versions: async () => stored };
    await listBurst(deps, "clients", burst(10), looks);
    expect(offered).toEqual(page.map(({ id }) => id).filter((id) => id !== "r10"));
    expect(looks.size).toBe(10);
  });

  it("WR9 goes on for the messages that wait behind the batch, a page for every fifty, to the end at most", async () => {
    const brought: number[] = [];
    const pagesFor = async (backlog: number, last = Number.POSITIVE_INFINITY) => {
      let pages = 0;
      const listChanged = async () => {
        pages++;
        const snapshots = burst(10).map((_, i) => snapshotOf({ id: `r${i}`, fetchedAt: 1 }));
        const nextUrl = pages < last ? { nextUrl: `p${pages}` } : {};
        return { ok: true, value: { snapshots, unreadable: 0, ...nextUrl } } as const;
      };
      const offering = {
        ...writers,
        offer: (of: readonly unknown[]) => {
          brought.push(of.length);
          return offer(of);
        },
      };
      // What a page brought is held from then on.
      const versions = async () =>
        new Map(
          brought.length > 0 ? burst(10).map((_, i) => [`clients/r${i}`, snapshotOf({ fetchedAt: 1 })]) : [],
        );
      const deps = { ...alone, listChanged, versions, writers: offering };
      await listBurst(deps, "clients", burst(10), new Map(), {
        waiting: backlog,
        extend: async () => {},
      });
      return pages;
    };
    expect(await pagesFor(49)).toBe(1);
    expect(await pagesFor(500)).toBe(10);
    expect(await pagesFor(500, 3)).toBe(3);
    expect(await pagesFor(1_000_000)).toBe(limits.burstSharedPages);
    expect(brought).toHaveLength(1 + 10 + 3 + limits.burstSharedPages);
  });

  it("WR9 goes on behind a page that brought other news, within its share of single fetches", async () => {
    const pagesFor = async (news: number, updatedAt: number | undefined = 1_234) => {
      let pages = 0;
      const listChanged = async () => {
        const page = pages++;
        const snapshots = Array.from({ length: 40 }, (_, i) =>
          // The first page is what is waited for; of later ones so many are news, and the rest is held.
          snapshotOf({
            id: page === 0 ? `r${i}` : i < news ? `n${page}x${i}` : `held${i}`,
            fetchedAt: 1,
            updatedAt,
          }),
        );
        return { ok: true, value: { snapshots, unreadable: 0, nextUrl: `p${pages}` } } as const;
      };
      const versions = async (refs: readonly { id: string }[]) =>
        new Map(
          refs
            .filter(({ id }) => id.startsWith("held"))
            .map((ref) => [`clients/${ref.id}`, snapshotOf({ fetchedAt: 1 })]),
        );
      await listBurst({ ...alone, listChanged, versions }, "clients", burst(20), new Map());
      return pages;
    };
    expect(await pagesFor(10)).toBe(20 * limits.burstPagesPerRef);
    expect(await pagesFor(9)).toBe(2);
    // Cut to the second they would settle no event, and be asked for again.
    expect(await pagesFor(40, 1_000)).toBe(1);
  });

  it("WR9 waits once for its allowance at each page, when that is not long", async () => {
    const slept: number[] = [];
    const held = async (waitMs: number) => {
      const answers = [waitMs, undefined, waitMs, waitMs];
      let asked = 0;
      const listChanged = async () => {
        const wait = answers[asked++];
        return wait === undefined
          ? ({ ok: true, value: { snapshots: [], unreadable: 0, nextUrl: `p${asked}` } } as const)
          : ({ ok: false, failure: { kind: "held", by: "budget", waitMs: wait } } as const);
      };
      const sleep = async (ms: number) => void slept.push(ms);
      await listBurst({ ...alone, listChanged, sleep }, "clients", burst(40), new Map());
      return asked;
    };
    expect(await held(5_000)).toBe(4);
    expect(slept).toEqual([5_000, 5_000]);
    expect(await held(limits.burstWaitMs + 1)).toBe(1);
  });

  it("WR9 stops at a page that leads back to itself, and after a quarter of its records in pages", async () => {
    const counting = (nextUrl: (page: number) => string) => {
      let pages = 0;
      const listChanged = async () =>
        ({ ok: true, value: { snapshots: [], unreadable: 0, nextUrl: nextUrl(++pages) } }) as const;
      return { listChanged, pages: () => pages };
    };
    const circle = counting(() => "same");
    await listBurst({ ...alone, ...circle }, "clients", burst(100), new Map());
    expect(circle.pages()).toBe(2);
    const endless = counting((page) => `p${page}`);
    await listBurst({ ...alone, ...endless }, "clients", burst(40), new Map());
    expect(endless.pages()).toBe(10);
  });
});
