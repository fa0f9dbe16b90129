// Purging over a mirror in memory: what is under way meets the suppression, whichever way it takes.

import { describe, expect, it } from "vitest";
import { noteAlias, purgeClient } from "../../src/sync/purge.ts";
import { keepReminder } from "../../src/sync/reminders.ts";
import { idOf, refOf, snapshotOf } from "../core/samples.ts";
import { consumer } from "./consumer.ts";
import { backfillMemory } from "./memory-work.ts";
import { sweeping } from "./sweeping.ts";
import { changedEvent, HERE, logMemory, missed, otherEvent, START, saw, settled } from "./world.ts";
import { only, setUp } from "./writer-set-up.ts";

const put = (id: string, more: Partial<Parameters<typeof snapshotOf>[0]> = {}) => ({
  write: "put" as const,
  snapshot: snapshotOf({ id, fetchedAt: START, ...more }),
});

describe("the writer", () => {
  it("PR4 a look under way during the purge brings nothing, whatever it sees and whenever it began", async () => {
    for (const held of [true, false]) {
      const { memory, upstream, look, clock } = await setUp();
      if (held) await memory.records.commit(HERE, [put("x")]);
      clock.pass(1_000);
      const looked = look("x");
      await settled();
      await memory.purges.purge(HERE, [idOf("x")], clock.now() - 500);
      only(upstream.open).answer(saw(only(upstream.open), { hash: "new", updatedAt: START + 900 }));
      await settled();
      expect(looked).toEqual({ looked: { ok: true, decision: "unchanged", suppressed: true } });
      expect(memory.records.all(HERE).filter(({ deletedAt }) => deletedAt === undefined)).toEqual([]);
    }
  });

  it("PR4 nobody is asked for a purged client, and others of the same call are", async () => {
    const { memory, upstream, look } = await setUp();
    await memory.purges.purge(HERE, [idOf("x")], START);
    const purged = look("x");
    look("y");
    await settled();
    expect(purged).toEqual({ looked: { ok: true, decision: "unchanged", suppressed: true } });
    expect(upstream.open.map(({ ref }) => ref.id)).toEqual(["y"]);
  });

  it("PR4 a disappearance seen while its client was purged leaves no doubt behind", async () => {
    const kept = new Map<string, unknown>();
    const doubts = {
      get: () => undefined,
      set: ({ id }: { id: string }, doubt: unknown) => void kept.set(id, doubt),
      delete: ({ id }: { id: string }) => void kept.delete(id),
    };
    const { memory, upstream, look } = await setUp({ doubts });
    await memory.kinds.markProven(HERE, "clients");
    look("x");
    await settled();
    await memory.purges.purge(HERE, [idOf("x")], START);
    only(upstream.open).answer(missed(only(upstream.open)));
    await settled();
    expect([...kept]).toEqual([]);
  });

  it("PR4 that two ids are one client completes a purge of either", async () => {
    for (const purged of ["x", "260"]) {
      const { memory } = await setUp();
      await memory.records.commit(HERE, [put("x")]);
      await memory.purges.purge(HERE, [idOf(purged)], START);
      await noteAlias({ ...memory, now: () => START }, HERE, refOf("260"), idOf("x"));
      await memory.records.commit(HERE, [put("x", { fetchedAt: START + 9, hash: "new" })]);
      expect(await memory.records.one(HERE, refOf("x"))).toMatchObject({ body: "null", deletedAt: START });
      expect(await memory.records.suppressed(HERE, [refOf("260"), refOf("x")])).toHaveProperty("size", 2);
    }
  });
});

describe("the consumer", () => {
  it("PR4 events of a purged client are done without a call and without a name; its neighbours' are not", async () => {
    const { memory, hydrate, upstream, outcomes, reminders, connection } = await consumer();
    upstream.held.set("clients/x", { hash: "a", updatedAt: START });
    upstream.held.set("clients/y", { hash: "a", updatedAt: START });
    await memory.purges.purge(HERE, [idOf("x")], START);
    const payload = { client_id: "x", name: "Ada" };
    const due = otherEvent(
      { is: "record", ref: refOf("evt_3", "reminders"), payload },
      { id: "evt_3", type: "assessment.due_soon" },
    );
    const taken = changedEvent({ id: "evt_2", kind: "assessment-status", taken: true });
    const other = changedEvent({ id: "evt_4", record: "y", createdAt: START });
    const said = await hydrate([changedEvent(), taken, due, other]);
    expect(said.map(({ result }) => result)).toEqual(["ack", "ack", "ack", "ack"]);
    expect(upstream.calls).toEqual(["GET clients/y"]);
    expect(await outcomes()).toEqual([
      "evt_1 suppressed",
      "evt_2 suppressed",
      "evt_3 suppressed",
      "evt_4 insert",
    ]);
    const rows = await memory.ledger.list({ limit: 9 });
    expect(rows.flatMap(({ ref }) => ref ?? [])).toEqual([refOf("y")]);
    // The one whose purge came between the question and the write.
    await keepReminder(reminders, connection, due.body);
    expect(memory.records.all(HERE).map(({ id }) => id)).toEqual(["y"]);
    expect(await memory.taken.last(HERE, "x")).toBeUndefined();
  });
});

describe("a burst", () => {
  it("PR4 events of many purged clients ask for no list", async () => {
    const { memory, hydrate, upstream } = await consumer();
    const ids = Array.from({ length: 12 }, (_, n) => `c${n}`);
    for (const id of ids) await memory.purges.purge(HERE, [idOf(id)], START);
    const messages = ids.map((id) => changedEvent({ id: `evt_${id}`, record: id, createdAt: START }));
    expect(new Set((await hydrate(messages)).map(({ result }) => result))).toEqual(new Set(["ack"]));
    expect(upstream.calls).toEqual([]);
  });
});

describe("the sweep", () => {
  it("PR4 a page with a purged client writes nothing, offers nothing and counts no drift", async () => {
    const world = await sweeping();
    const { memory, upstream, clock, sweep, written, drift } = world;
    await sweep();
    await world.mirrored("x");
    await memory.purges.purge(HERE, [idOf("x")], clock.now());
    clock.pass(60_000);
    upstream.put("x", "new", clock.now());
    clock.pass(60_000);
    for (let times = 0; times < 2; times++) {
      expect(await sweep()).toMatchObject({ seen: 1, drifted: 0, finished: true });
      clock.pass(60_000);
    }
    expect([written, await drift()]).toEqual([[], { missed: 0, late: 0, rewritten: 0, deleted: 0 }]);
  });
});

describe("the purge", () => {
  it("PR4 counts what went, forgets doubts under every id, and repeats into nothing", async () => {
    const { memory, clock } = await setUp();
    const backfills = backfillMemory();
    memory.purgeables.push(backfills);
    await memory.records.addAlias(HERE, "clients", idOf("260"), idOf("x"));
    await memory.records.commit(HERE, [
      put("x"),
      put("x", { kind: "assessment-status" }),
      put("x", { kind: "staff" }),
      {
        write: "put",
        snapshot: { ...snapshotOf({ id: "r", kind: "reminders", fetchedAt: START }), clientId: "x" },
      },
    ]);
    await memory.taken.note(HERE, "x", 5);
    await backfills.begin(HERE, "user", idOf("x"), "b1", 1);
    const forgotten: string[] = [];
    const { log, lines } = logMemory();
    const deps = {
      ...memory,
      now: clock.now,
      log,
      forgetDoubts: async (_: unknown, refs: readonly { kind: string; id: string }[]) =>
        void forgotten.push(...refs.map(({ kind, id }) => `${kind}/${id}`)),
    };
    const counts = { records: 2, reminders: 1, aliases: 1, events: 0, dead_letters: 0 };
    expect(await purgeClient(deps, HERE, idOf("260"))).toMatchObject({
      removed: { ...counts, backfills: 1, assessments_taken: 1 },
    });
    expect(forgotten.sort()).toEqual([
      "assessment-status/260",
      "assessment-status/x",
      "clients/260",
      "clients/x",
    ]);
    expect(lines.join()).not.toMatch(/260|"x"/);
    const again = await purgeClient(deps, HERE, idOf("x"));
    expect(Object.values(again?.removed ?? { records: 1 })).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect((await memory.records.one(HERE, refOf("x", "staff")))?.deletedAt).toBeUndefined();
  });
});
