// Dying anywhere in a batch repeats work and loses nothing: every port call is made to fail in turn, before and
// after it took effect, and the batch is delivered again.

import { describe, expect, it } from "vitest";
import { refKey } from "../../src/core/ids.ts";
import type { HydrateDeps } from "../../src/sync/hydrate.ts";
import type { EventMessage, Queued } from "../../src/sync/messages.ts";
import { idOf, refOf } from "../core/samples.ts";
import { consumer } from "./consumer.ts";
import { changedEvent, HERE, otherEvent, START, writerOver } from "./world.ts";

const CHANGED = START - 777;

const batch: readonly Queued<EventMessage>[] = [
  changedEvent({ id: "e1", record: "a", createdAt: CHANGED }),
  changedEvent({ id: "e2", record: "b", createdAt: CHANGED }),
  changedEvent({ id: "e3", record: "a", createdAt: CHANGED }),
  changedEvent({ id: "e4", kind: "assessment-status", record: "c1", createdAt: CHANGED, taken: true }),
  otherEvent(
    { is: "record", ref: { kind: "reminders", id: idOf("e5") }, payload: { client_id: "c1" } },
    { id: "e5", type: "assessment.due_soon", createdAt: CHANGED - 60_000 },
  ),
];

const STEPS = ["batches.known", "writers.look", "commit", "close", "keep", "ledger.record"] as const;
type Step = (typeof STEPS)[number];
type When = "before" | "after";

class Crash extends Error {}

/** Fails one step once, before or after it took effect. */
function crashing(step: Step, when: When) {
  let armed = true;
  return {
    crashed: () => !armed,
    wrap<A extends readonly unknown[], R>(
      name: Step,
      call: (...args: A) => Promise<R>,
    ): (...args: A) => Promise<R> {
      return async (...args) => {
        if (name !== step || !armed) return call(...args);
        armed = false;
        if (when === "after") await call(...args);
        throw new Crash();
      };
    },
  };
}

async function play(step: Step, when: When) {
  const world = await consumer();
  const { memory, upstream, deps } = world;
  for (const key of ["clients/a", "clients/b", "assessment-status/c1"]) {
    upstream.held.set(key, { updatedAt: CHANGED, hash: key });
  }
  const crash = crashing(step, when);
  const writers = writerOver(memory, upstream.fetchOne, {
    commit: crash.wrap("commit", (writes) => memory.records.commit(HERE, writes)),
  });
  const wrapped: HydrateDeps = {
    ...deps,
    ledger: {
      record: crash.wrap("ledger.record", memory.ledger.record),
    },
    writers: { ...writers, look: crash.wrap("writers.look", writers.look) },
    keepReminder: crash.wrap("keep", deps.keepReminder),
    closeReminders: crash.wrap("close", deps.closeReminders),
  };

  const batches = { known: crash.wrap("batches.known", memory.batches.known) };
  let waiting = batch;
  for (let round = 0; waiting.length > 0; round++) {
    expect(round).toBeLessThan(5);
    let settlements: readonly { readonly result: string }[];
    try {
      settlements = await world.hydrate(waiting, wrapped, batches);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      settlements = waiting.map(() => ({ result: "retry" }));
    }
    // Whatever was let go is done for good: in the ledger, and nothing will bring it back.
    const done = await memory.ledger.done(
      HERE,
      waiting.map(({ body }) => body.eventId),
    );
    waiting.forEach(({ body }, i) => {
      if (settlements[i]?.result === "ack") expect(done.has(body.eventId)).toBe(true);
    });
    world.clock.pass(2_000);
    waiting = waiting
      .filter((_, i) => settlements[i]?.result !== "ack")
      .map((message) => ({ ...message, attempts: message.attempts + 1 }));
  }
  return { ...world, crashed: crash.crashed() };
}

describe.each(STEPS)("dying at %s", (step) => {
  it.each(["before", "after"] as const)(
    "WR5 %s it took effect, the batch is delivered again and all of it done",
    async (when) => {
      const { memory, crashed } = await play(step, when);
      expect(crashed).toBe(true);
      const rows = memory.records.all(HERE);
      expect(rows.map(refKey).sort()).toEqual([
        "assessment-status/c1",
        "clients/a",
        "clients/b",
        "reminders/e5",
      ]);
      expect(await memory.records.one(HERE, refOf("e5", "reminders"))).toMatchObject({ status: "closed" });
      expect((await memory.ledger.list({ limit: 99 })).map(({ eventId }) => eventId).sort()).toEqual([
        "e1",
        "e2",
        "e3",
        "e4",
        "e5",
      ]);
      // Each record was written once, the reminder twice: kept and closed.
      expect(Math.max(...rows.map(({ seq }) => seq))).toBe(5);
    },
  );
});

it("WR5 nothing is acknowledged when the ledger cannot be written", async () => {
  const { hydrate, upstream, memory } = await consumer();
  upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
  const ledger = { ...memory.ledger, record: () => Promise.reject(new Crash()) };
  await expect(hydrate([changedEvent({ createdAt: CHANGED })], { ledger })).rejects.toThrow(Crash);
});

it("WR5 the ledger is written after the record, in one call for the whole batch", async () => {
  const { hydrate, upstream, memory } = await consumer();
  for (const key of ["clients/a", "clients/b", "assessment-status/c1"]) {
    upstream.held.set(key, { updatedAt: CHANGED, hash: key });
  }
  const calls: number[] = [];
  const record: typeof memory.ledger.record = async (connection, entries) => {
    calls.push(entries.length);
    expect(memory.records.all(HERE)).toHaveLength(4);
    await memory.ledger.record(connection, entries);
  };
  await hydrate(batch, { ledger: { ...memory.ledger, record } });
  expect(calls).toEqual([5]);
});
