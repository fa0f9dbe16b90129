// Work that is not an event: one message in, one settlement out.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { type JobDeps, runJob } from "../../src/sync/jobs.ts";
import type { EventMessage, JobMessage } from "../../src/sync/messages.ts";
import { park } from "../../src/sync/park.ts";
import type { LookAsk, Looked } from "../../src/sync/ports.ts";
import { idOf, refOf } from "../core/samples.ts";
import { changedEvent, connectedMemory, HERE, handClock, logMemory, START } from "./world.ts";

const ACK = { result: "ack" };
const LOOK: JobMessage = { job: "look", connection: HERE, ref: refOf("x"), organizationId: idOf("o1") };

async function setUp(looked: Looked = { ok: true, decision: "unchanged" }) {
  const clock = handClock();
  const { memory, connection } = await connectedMemory();
  const { log, lines } = logMemory();
  const asks: LookAsk[] = [];
  const events: EventMessage[] = [];
  const jobs: JobMessage[] = [];
  const used = {
    now: clock.now,
    random: () => 0,
    writers: {
      look: async (asked: readonly LookAsk[]) => {
        asks.push(...asked);
        return asked.map(() => looked);
      },
      offer: async () => [],
    },
    deadLetters: memory.deadLetters,
    kinds: memory.kinds,
    queues: {
      sendEvents: async (sent: readonly EventMessage[]) => void events.push(...sent),
      sendJobs: async (sent: readonly JobMessage[]) => void jobs.push(...sent),
    },
    parseEvent: (message: unknown) => message as EventMessage,
    parseJob: (message: unknown) => message as JobMessage,
    log,
  };
  // Jobs of other kinds need more; those here need no more than this.
  const deps = used as Partial<JobDeps> as JobDeps;
  const run = (body: JobMessage, attempts = 1) => runJob(deps, connection, { body, attempts });
  return { clock, memory, lines, asks, events, jobs, run };
}

describe("a look", () => {
  it("WR1 is asked of the record's writer, with what is known of its organization", async () => {
    const { run, asks } = await setUp();
    expect(await run(LOOK)).toEqual(ACK);
    expect(asks).toEqual([{ ref: refOf("x"), class: "event", organizationId: "o1" }]);
  });

  it("WR7 that leaves a doubt comes back when a second look may confirm it", async () => {
    const { run, clock } = await setUp({
      ok: true,
      decision: "unchanged",
      doubt: { about: "gone", since: START },
    });
    expect(await run(LOOK)).toEqual({ result: "retry", delaySeconds: 60 });
    clock.pass(45_500);
    expect(await run(LOOK)).toEqual({ result: "retry", delaySeconds: 15 });
    clock.pass(600_000);
    expect(await run(LOOK)).toEqual({ result: "retry", delaySeconds: 1 });
  });

  it("WR7 that buries a record is counted: no webhook told of it", async () => {
    const { run, memory } = await setUp({ ok: true, decision: "tombstone" });
    expect(await run(LOOK)).toEqual(ACK);
    expect(await memory.kinds.drift(HERE)).toMatchObject({ clients: { deleted: 1, missed: 0 } });
    const other = await setUp({ ok: true, decision: "update" });
    await other.run(LOOK);
    expect(await other.memory.kinds.drift(HERE)).toEqual({});
  });

  it("WR8 that fails is retried or parked with its reason, like an event", async () => {
    const down = await setUp({ ok: false, failure: { kind: "server_error", status: 500 } });
    expect(await down.run(LOOK, 3)).toEqual({ result: "retry", delaySeconds: 4 });
    expect(down.lines).toEqual([]);
    expect(await down.run(LOOK, limits.attemptsBeforePark)).toMatchObject({ result: "park" });
    const forbidden = await setUp({ ok: false, failure: { kind: "forbidden" } });
    expect(await forbidden.run(LOOK)).toMatchObject({ result: "park" });
    expect(forbidden.lines).toHaveLength(1);
    expect(forbidden.lines[0]).not.toContain("o1");
  });
});

describe("a replay", () => {
  const parkMany = async (count: number) => {
    const one = await setUp();
    let ids = 0;
    for (let i = 0; i < count; i++) {
      const message = changedEvent({ id: `e${i}` });
      await park({ deadLetters: one.memory.deadLetters, newId: () => `l${ids++}`, now: one.clock.now }, [
        { queue: "events", message, reason: "upstream answered 403" },
      ]);
      one.clock.pass(1);
    }
    return one;
  };

  it("DL1 sends a slice, and queues itself for the rest as long as there is more", async () => {
    const { run, events, jobs, clock } = await parkMany(limits.replayAtOnce + 3);
    const job: JobMessage = { job: "replay", connection: HERE, parkedBefore: clock.now() };
    expect(await run(job)).toEqual(ACK);
    expect(events).toHaveLength(limits.replayAtOnce);
    expect(jobs).toEqual([job]);
    expect(await run(job, 1)).toEqual(ACK);
    expect(events).toHaveLength(limits.replayAtOnce + 3);
    expect(jobs).toEqual([job]);
  });

  it("DL1 sends none of another connection, and none parked since it was ordered", async () => {
    const { run, events, memory, clock } = await parkMany(2);
    const letter = {
      queue: "events",
      type: "x",
      reason: "x",
      attempts: 1,
      since: START,
      parkedAt: START,
    } as const;
    await memory.deadLetters.park([{ ...letter, id: "foreign", connection: undefined, message: {} }]);
    await run({ job: "replay", connection: HERE, parkedBefore: START + 1 });
    expect(events.map(({ eventId }) => eventId)).toEqual(["e0"]);
    expect(clock.now()).toBe(START + 2);
  });
});
