// Kinds without a list: clients changed lately first, then round and round, a bounded number at a time.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { walkClients } from "../../src/sync/walk.ts";
import { idOf } from "../core/samples.ts";
import { Crash } from "./memory-cursors.ts";
import { MINUTE, sweeping } from "./sweeping.ts";
import { eventIdOf, HERE, START } from "./world.ts";

const KIND = "assessment-status";
const LONG_AGO = START - 1_000 * MINUTE;
const name = (i: number) => `c${String(i).padStart(4, "0")}`;
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => name(from + i));

/** So many clients, none changed lately, each with a status upstream that the mirror holds as it is. */
async function clients(count: number) {
  const world = await sweeping();
  const { upstream, clock, mirrored, deps, connection } = world;
  for (const id of names(0, count)) {
    await mirrored(id, "a", LONG_AGO);
    await mirrored(id, "a", undefined, KIND);
    upstream.put(id, "a", LONG_AGO, KIND);
  }
  clock.pass(MINUTE);
  const walk = (replaced: Partial<typeof deps> = {}) =>
    walkClients({ ...deps, ...replaced }, connection, KIND);
  /** The clients one walk looked at, in order. */
  const walked = async () => {
    upstream.looks.length = 0;
    await walk();
    return looked();
  };
  const looked = () => upstream.looks.map((ref) => ref.slice(KIND.length + 1));
  /** The client changes, and the mirror knows. */
  const touch = async (id: string, at: number) => {
    await mirrored(id, `touched ${at}`, at);
  };
  return { ...world, walk, walked, looked, touch };
}

describe("round and round", () => {
  it("SW5 a walk looks at no more than its slice, and the next goes on after it", async () => {
    const { walk, walked, clock, cursors } = await clients(450);
    expect(await walk()).toMatchObject({ kind: KIND, seen: limits.sliceRows, finished: true });
    expect(cursors.of(KIND)).toMatchObject({
      windowTo: `clients/${name(449)}`,
      within: `clients/${name(199)}`,
    });
    clock.pass(15 * MINUTE);
    expect(await walked()).toEqual(names(200, 400));
    expect(await walked()).toEqual(names(400, 450));
    expect(await walked()).toEqual(names(0, 200));
  });

  it("SW5 a walk over nobody is a walk, too", async () => {
    const { walk, cursors, clock } = await clients(0);
    expect(await walk()).toMatchObject({ seen: 0, drifted: 0, finished: true });
    expect(cursors.of(KIND).last).toEqual({ at: clock.now(), pages: 0, seen: 0, drifted: 0 });
  });

  it("SW5 what differs is brought and counted, what does not writes nothing", async () => {
    const { walk, upstream, drift, memory, shown } = await clients(30);
    const before = memory.records.all(HERE);
    expect(await walk()).toMatchObject({ seen: 30, drifted: 0 });
    expect(memory.records.all(HERE)).toEqual(before);
    upstream.put(name(7), "scored", START - 5 * MINUTE, KIND);
    expect(await walk()).toMatchObject({ seen: 30, drifted: 1 });
    expect(await shown(KIND)).toMatchObject({ [name(7)]: "scored", [name(8)]: "a" });
    expect(await drift(KIND)).toMatchObject({ missed: 1 });
  });
});

describe("changed lately", () => {
  it("SW5 come first, and none is looked at twice in one walk", async () => {
    const { walked, touch, clock } = await clients(20);
    await touch(name(15), clock.now() - 5 * MINUTE);
    await touch(name(3), clock.now() - 4 * MINUTE);
    const seen = await walked();
    expect(seen.slice(0, 2)).toEqual([name(15), name(3)]);
    expect([...seen].sort()).toEqual(names(0, 20));
  });

  it("SW5 count against the slice", async () => {
    const { walked, touch, clock } = await clients(450);
    for (const [i, id] of names(400, 430).entries()) await touch(id, clock.now() - MINUTE + i);
    expect(await walked()).toEqual([...names(400, 430), ...names(0, 170)]);
  });

  it("SW5 are not taken for changed lately a second time", async () => {
    const { walked, touch, clock } = await clients(450);
    await touch(name(444), clock.now() - MINUTE);
    expect((await walked())[0]).toBe(name(444));
    clock.pass(15 * MINUTE);
    expect(await walked()).not.toContain(name(444));
  });

  it("SW5 so many that they fill the slice are looked at over several walks, oldest change first", async () => {
    const { walked, touch, clock } = await clients(300);
    for (const [i, id] of names(0, 300).entries()) await touch(id, clock.now() - 5 * MINUTE + i);
    expect(await walked()).toEqual(names(0, 200));
    expect((await walked()).slice(0, 100)).toEqual(names(200, 300));
  });

  it("SW5 filling the slice does not send the round back to its start", async () => {
    const { walked, touch, clock } = await clients(650);
    expect(await walked()).toEqual(names(0, 200));
    for (const [i, id] of names(200, 400).entries()) await touch(id, clock.now() + i);
    clock.pass(15 * MINUTE);
    expect(await walked()).toEqual(names(200, 400));
    clock.pass(15 * MINUTE);
    const seen = await walked();
    expect(seen).toContain(name(399));
    expect(seen).not.toContain(name(0));
  });
});

describe("heard of", () => {
  it("SW5 clients whose events the API never showed come first, and once", async () => {
    const { walked, memory, clock } = await clients(450);
    const heard = (id: string, outcome: "lagging" | "update", kind: "clients" | typeof KIND = KIND) =>
      memory.ledger.record(HERE, [
        {
          eventId: eventIdOf(`evt_${id}`),
          type: "assessment.scored",
          ref: { kind, id: idOf(id) },
          receivedAt: clock.now(),
          doneAt: clock.now(),
          outcome,
          attempts: 4,
        },
      ]);
    await heard(name(333), "lagging");
    await heard(name(222), "update", "clients");
    // Its status was just brought by its event: there is nothing to look for.
    await heard(name(444), "update");
    const first = await walked();
    expect([...first.slice(0, 2)].sort()).toEqual([name(222), name(333)]);
    expect([first.includes(name(444)), first.length]).toEqual([false, limits.sliceRows]);
    clock.pass(15 * MINUTE);
    const next = await walked();
    expect([next.includes(name(333)), next.includes(name(222))]).toEqual([true, true]);
    expect(next[0]).toBe(name(198));
  });

  it("SW5 ever so many leave the round its share of every slice", async () => {
    const { walked, memory, clock } = await clients(450);
    const entries = names(250, 450).map((id) => ({
      eventId: eventIdOf(`evt_${id}`),
      type: "client.updated",
      ref: { kind: "clients" as const, id: idOf(id) },
      receivedAt: clock.now(),
      doneAt: clock.now(),
      outcome: "update" as const,
      attempts: 1,
    }));
    await memory.ledger.record(HERE, entries);
    const seen = await walked();
    expect(seen.filter((id) => id >= name(250))).toHaveLength(limits.sliceRows / 4);
    expect(seen.slice(limits.sliceRows / 4)).toEqual(names(0, (limits.sliceRows * 3) / 4));
  });
});

describe("one at a time", () => {
  it("SW4 while another walk has the lease, one says so, looks at nothing and leaves the place alone", async () => {
    const { walk, looked, gate, cursors } = await clients(30);
    await gate.lease(`sweep/${KIND}`, "another", limits.walkLeaseMs);
    expect(await walk()).toMatchObject({ busy: true, finished: false, seen: 0 });
    expect([looked(), cursors.of(KIND)]).toEqual([[], {}]);
    expect(gate.leases.get(`sweep/${KIND}`)?.holder).toBe("another");
  });

  it("SW4 a lease that was lost to another walk ends this one where it stands", async () => {
    const { walk, looked, gate, deps, cursors } = await clients(60);
    const losing: typeof deps.writers.walk = (asks, permits) => {
      gate.leases.set(`sweep/${KIND}`, { holder: "another", until: Number.POSITIVE_INFINITY });
      return deps.writers.walk(asks, permits);
    };
    const ended = await walk({ writers: { ...deps.writers, walk: losing } });
    expect(ended).toMatchObject({ busy: true, finished: false, seen: limits.walkTogether });
    expect(looked()).toEqual(names(0, limits.walkTogether));
    expect(cursors.of(KIND)).toMatchObject({ within: `clients/${name(limits.walkTogether - 1)}` });
    expect(cursors.of(KIND).last).toBeUndefined();
    expect(gate.leases.get(`sweep/${KIND}`)?.holder).toBe("another");
  });

  it("SW4 asking for permits keeps the lease, however long the walk, and its end gives it back", async () => {
    const { walk, gate, deps, clock } = await clients(60);
    const heldFor: number[] = [];
    const slow: typeof deps.writers.walk = (asks, permits) => {
      heldFor.push((gate.leases.get(`sweep/${KIND}`)?.until ?? 0) - clock.now());
      clock.pass(limits.walkLeaseMs - 1);
      return deps.writers.walk(asks, permits);
    };
    expect(await walk({ writers: { ...deps.writers, walk: slow } })).toMatchObject({ finished: true });
    expect(heldFor).toEqual(Array(3).fill(limits.walkLeaseMs));
    expect(gate.leases.size).toBe(0);
  });
});

describe("interrupted", () => {
  it.each([
    ["budget", { kind: "held", by: "budget", waitMs: 60_000 }],
    ["an outage", { kind: "server_error", status: 503 }],
    ["a pause", { kind: "paused" }],
  ] as const)("SW5 by %s, a walk goes on where it was", async (_what, failure) => {
    const { walk, walked, upstream, cursors } = await clients(60);
    for (const id of names(30, 60)) upstream.failures.set(`${KIND}/${id}`, failure);
    expect(await walk()).toMatchObject({ finished: false, failure });
    expect(cursors.of(KIND)).toMatchObject({ within: `clients/${name(29)}` });
    expect(cursors.of(KIND).last).toBeUndefined();
    upstream.failures.clear();
    expect(await walked()).toEqual(names(30, 60));
  });

  it("SW5 by an outage from the first record to the last, a walk has not finished, however short", async () => {
    const { walk, upstream } = await clients(2);
    const failure = { kind: "server_error", status: 503 } as const;
    for (const id of names(0, 2)) upstream.failures.set(`${KIND}/${id}`, failure);
    expect(await walk()).toMatchObject({ finished: false, failure });
  });

  it("SW5 by its death, a walk repeats few records and leaves none out", async () => {
    for (let at = 1; at <= 3; at++) {
      const { walk, walked, looked, cursors } = await clients(60);
      cursors.crashAt(at, true);
      const dying = walk();
      await expect(dying).rejects.toThrow(Crash);
      const before = looked();
      const again = at === 3 ? [] : await walked();
      expect(new Set([...before, ...again])).toEqual(new Set(names(0, 60)));
      expect(before.length + again.length).toBeLessThanOrEqual(60 + limits.walkTogether);
    }
  });

  it.each([
    ["forbidden", { kind: "forbidden" }],
    ["refused", { kind: "refused", status: 422 }],
    ["not understood", { kind: "bad_answer", why: "shape" }],
  ] as const)(
    "SW5 one record that is %s does not end the walk for all the others",
    async (_what, failure) => {
      const { walk, upstream, looked } = await clients(30);
      upstream.failures.set(`${KIND}/${name(3)}`, failure);
      expect(await walk()).toMatchObject({ finished: true, seen: 29 });
      expect(looked()).toEqual(names(0, 30));
    },
  );

  it("SW5 a status that is gone is looked at again before it counts as gone", async () => {
    const { walk, upstream, sent, drift } = await clients(12);
    upstream.held.delete(`${KIND}/${name(5)}`);
    await walk();
    const look = { job: "look", connection: HERE, ref: { kind: KIND, id: name(5) } };
    expect(sent).toEqual([{ job: look, delaySeconds: 61 }]);
    expect(await drift(KIND)).toMatchObject({ deleted: 0 });
  });

  it("SW9 a doubt found just before the walk was interrupted is looked at again all the same", async () => {
    const { walk, upstream, sent } = await clients(12);
    upstream.held.delete(`${KIND}/${name(2)}`);
    upstream.failures.set(`${KIND}/${name(6)}`, { kind: "server_error", status: 500 });
    await walk();
    expect(sent.map(({ job }) => "ref" in job && job.ref.id)).toEqual([name(2)]);
  });
});
