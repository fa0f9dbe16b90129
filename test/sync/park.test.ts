// Giving up on a message without losing it, and sending it again.

import { describe, expect, it } from "vitest";
import { connectionId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import type { EventMessage, JobMessage } from "../../src/sync/messages.ts";
import { type Parked, park, replay } from "../../src/sync/park.ts";
import type { Replayed } from "../../src/sync/stores.ts";
import { idOf, refOf } from "../core/samples.ts";
import { createMemory } from "./memory.ts";
import { changedEvent, HERE, handClock, otherEvent, START } from "./world.ts";

/** As the boundary parses: whatever names no connection was not written by us. */
function parsed<T>(message: unknown): T {
  const { connection } = message as { connection?: unknown };
  if (connectionId(connection) === undefined) throw new Error("not one of ours");
  return message as T;
}

function setUp() {
  const clock = handClock();
  const { deadLetters } = createMemory();
  let ids = 0;
  const sent: { readonly events: EventMessage[]; readonly jobs: JobMessage[] } = { events: [], jobs: [] };
  let refusing = false;
  const queues = {
    sendEvents: async (messages: readonly EventMessage[]) => {
      if (refusing) throw new Error("away");
      sent.events.push(...messages);
    },
    sendJobs: async (messages: readonly JobMessage[]) => void sent.jobs.push(...messages),
  };
  return {
    clock,
    deadLetters,
    sent,
    refuse: (now: boolean) => {
      refusing = now;
    },
    park: (parked: readonly Parked[]) =>
      park({ deadLetters, newId: () => `l${ids++}`, now: clock.now }, parked),
    replay: (which: Replayed) =>
      replay({ deadLetters, queues, parseEvent: parsed<EventMessage>, parseJob: parsed<JobMessage> }, which),
  };
}

const event = (id: string): Parked => ({
  queue: "events",
  message: changedEvent({ id, attempts: 7 }),
  reason: "upstream answered 403",
});
const job: Parked = {
  queue: "jobs",
  message: { attempts: 2, body: { job: "look", connection: HERE, ref: refOf("x") } },
  reason: "upstream answered 422",
};
const ALL = { parkedBefore: START + 1 };

describe("parking", () => {
  it("WR8 keeps the message with its reason and what it was about", async () => {
    const { park: put, deadLetters } = setUp();
    await put([event("e1"), job]);
    const ref = { kind: "clients", id: "x" };
    expect(await deadLetters.list(HERE, 9)).toEqual([
      {
        id: "l0",
        connection: "here",
        queue: "events",
        type: "client.updated",
        ref,
        reason: "upstream answered 403",
        attempts: 7,
        since: START,
        parkedAt: START,
      },
      {
        id: "l1",
        connection: "here",
        queue: "jobs",
        type: "look",
        ref,
        reason: "upstream answered 422",
        attempts: 2,
        since: START,
        parkedAt: START,
      },
    ]);
  });

  it("DL1 lists no payload, however full the message was", async () => {
    const { park: put, deadLetters } = setUp();
    const payload = { client_id: "c1", first_name: "CANARY" };
    const message = otherEvent(
      { is: "record", ref: { kind: "reminders", id: idOf("r1") }, payload },
      { type: "assessment.due_soon" },
    );
    await put([{ queue: "events", message, reason: "the mirror was interrupted" }]);
    expect(JSON.stringify(await deadLetters.list(undefined, 9))).not.toContain("CANARY");
    expect(JSON.stringify(await deadLetters.take(ALL, 9))).toContain("CANARY");
  });
});

describe("sending again", () => {
  it("DL1 each goes back to the queue it came from, as it was, and is parked no more", async () => {
    const { park: put, replay: again, sent, deadLetters } = setUp();
    await put([event("e1"), job, event("e2")]);
    expect(await again(ALL)).toEqual({ replayed: 3, more: false });
    expect(sent.events).toEqual([changedEvent({ id: "e1" }).body, changedEvent({ id: "e2" }).body]);
    expect(sent.jobs).toEqual([job.message.body]);
    expect(await deadLetters.count(HERE)).toBe(0);
    expect(await again(ALL)).toEqual({ replayed: 0, more: false });
  });

  it("DL1 one can be sent alone", async () => {
    const { park: put, replay: again, sent, deadLetters } = setUp();
    await put([event("e1"), event("e2")]);
    expect(await again({ id: "l1" })).toEqual({ replayed: 1, more: false });
    expect(sent.events).toMatchObject([{ eventId: "e2" }]);
    expect(await deadLetters.list(HERE, 9)).toMatchObject([{ id: "l0" }]);
    expect(await again({ id: "nobody" })).toEqual({ replayed: 0, more: false });
  });

  it("DL1 oldest first, a slice at a time, and what is parked anew meanwhile is left for the next word", async () => {
    const { park: put, replay: again, sent, clock } = setUp();
    for (let i = 0; i < limits.replayAtOnce + 1; i++) {
      await put([event(`e${i}`)]);
      clock.pass(1);
    }
    const which = { parkedBefore: clock.now() };
    expect(await again(which)).toEqual({ replayed: limits.replayAtOnce, more: true });
    expect(sent.events.map(({ eventId }) => eventId)).toEqual(
      Array.from({ length: limits.replayAtOnce }, (_, i) => `e${i}`),
    );
    await put([event("anew")]);
    expect(await again(which)).toEqual({ replayed: 1, more: false });
    expect(sent.events.map(({ eventId }) => eventId)).not.toContain("anew");
  });

  it("DL1 is removed only after the queue took it", async () => {
    const { park: put, replay: again, refuse, deadLetters } = setUp();
    await put([event("e1")]);
    refuse(true);
    await expect(again(ALL)).rejects.toThrow("away");
    expect(await deadLetters.count(HERE)).toBe(1);
    refuse(false);
    expect(await again(ALL)).toEqual({ replayed: 1, more: false });
  });

  it("DL1 a letter that this version cannot read holds back no other, and is not lost", async () => {
    const { park: put, replay: again, deadLetters, sent } = setUp();
    const letter = {
      connection: HERE,
      queue: "events",
      type: "x",
      reason: "x",
      attempts: 1,
      since: 0,
      parkedAt: START - 1,
    } as const;
    await deadLetters.park([{ ...letter, id: "unreadable", message: { written: "by another version" } }]);
    await put([event("e1")]);
    await again(ALL);
    expect(sent.events).toMatchObject([{ eventId: "e1" }]);
    expect(await deadLetters.list(undefined, 9)).toMatchObject([{ id: "unreadable" }]);
  });
});
