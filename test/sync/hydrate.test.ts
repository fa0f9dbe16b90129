// A batch of events in, one settlement for each out. Lags: hydrate-lag.test.ts; lists:
// hydrate-burst.test.ts; dying in between: hydrate-crash.test.ts.

import { describe, expect, it } from "vitest";
import type { Failure } from "../../src/core/failure.ts";
import { consumer } from "./consumer.ts";
import { changedEvent, HERE, otherEvent, START } from "./world.ts";

const ACK = { result: "ack" };
/** The upstream's instant of most changes here: a moment before the delivery. */
const CHANGED = START - 777;

describe("an event", () => {
  it("WR5 brings its record into the mirror, is written to the ledger and let go", async () => {
    const { hydrate, upstream, memory } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    expect(await hydrate([changedEvent({ createdAt: CHANGED })])).toEqual([ACK]);
    expect(memory.records.all(HERE)).toMatchObject([{ id: "x", hash: "a", seq: 1 }]);
    expect(await memory.ledger.list({ limit: 9 })).toMatchObject([
      { eventId: "evt_1", outcome: "insert", attempts: 1, doneAt: START, ref: { kind: "clients", id: "x" } },
    ]);
  });

  it("IN8 done already, is let go without a call", async () => {
    const { hydrate, upstream } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    await hydrate([changedEvent({ createdAt: CHANGED })]);
    const calls = upstream.calls.length;
    expect(await hydrate([changedEvent({ createdAt: CHANGED, attempts: 2 })])).toEqual([ACK]);
    expect(upstream.calls).toHaveLength(calls);
  });

  it("IN8 twice in one batch, is done once, and the copy is let go", async () => {
    const { hydrate, upstream, outcomes, memory } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    const event = changedEvent({ createdAt: CHANGED });
    const recorded: number[] = [];
    const record: typeof memory.ledger.record = (connection, entries) => {
      recorded.push(entries.length);
      return memory.ledger.record(connection, entries);
    };
    const ledger = { ...memory.ledger, record };
    expect(await hydrate([event, { ...event }, { ...event, attempts: 2 }], { ledger })).toEqual([
      ACK,
      ACK,
      ACK,
    ]);
    expect(recorded).toEqual([1]);
    expect(upstream.calls).toEqual(["GET clients/x"]);
    expect(await outcomes()).toEqual(["evt_1 insert"]);
  });

  it("WR1 many of one record in a batch cause one look", async () => {
    const { hydrate, upstream, outcomes } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    const events = ["e1", "e2", "e3"].map((id) => changedEvent({ id, createdAt: CHANGED }));
    expect(await hydrate(events)).toEqual([ACK, ACK, ACK]);
    expect(upstream.calls).toEqual(["GET clients/x"]);
    expect(await outcomes()).toEqual(["e1 insert", "e2 insert", "e3 insert"]);
  });

  it("IN7 of unknown type, unusable or a trial, is kept for the operator and let go", async () => {
    const { hydrate, upstream, outcomes } = await consumer();
    const settlements = await hydrate([
      otherEvent({ is: "unknown", why: "type" }, { id: "e1", type: "client.merged" }),
      otherEvent({ is: "unknown", why: "envelope" }, { id: "e2", type: "unreadable" }),
      otherEvent({ is: "test" }, { id: "e3", type: "webhook.test" }),
    ]);
    expect(settlements).toEqual([ACK, ACK, ACK]);
    expect(await outcomes()).toEqual(["e1 unknown_type", "e2 unusable", "e3 test"]);
    expect(upstream.calls).toEqual([]);
  });
});

describe("what a look after the event has shown already", () => {
  it("WR2 is not looked at again, if that look started after the event came in", async () => {
    const { hydrate, upstream, clock } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    clock.pass(1);
    await hydrate([changedEvent({ id: "e1", createdAt: CHANGED })]);
    expect(await hydrate([changedEvent({ id: "e2", createdAt: CHANGED })])).toEqual([ACK]);
    expect(upstream.calls).toHaveLength(1);
    const later = { receivedAt: clock.now(), createdAt: CHANGED };
    await hydrate([changedEvent({ id: "e3", ...later })]);
    expect(upstream.calls).toHaveLength(2);
  });

  it("WR6 is looked at all the same by an event newer than what it showed", async () => {
    const { hydrate, upstream, clock } = await consumer();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    clock.pass(1);
    await hydrate([changedEvent({ id: "e1", createdAt: CHANGED })]);
    await hydrate([changedEvent({ id: "e2", createdAt: CHANGED + 100 })]);
    expect(upstream.calls).toHaveLength(2);
  });
});

describe("a fetch that fails", () => {
  const table: readonly (readonly [Failure, unknown])[] = [
    [
      { kind: "server_error", status: 503 },
      { result: "retry", delaySeconds: 1 },
    ],
    [
      { kind: "unreachable", why: "timeout" },
      { result: "retry", delaySeconds: 1 },
    ],
    [
      { kind: "rate_limited", retryAfterMs: 30_000 },
      { result: "retry", delaySeconds: 30 },
    ],
    [
      { kind: "held", by: "breaker", waitMs: 4_000 },
      { result: "retry", delaySeconds: 4 },
    ],
    [{ kind: "interrupted" }, { result: "retry", delaySeconds: 1 }],
    [
      { kind: "bad_answer", why: "not_json" },
      { result: "retry", delaySeconds: 1 },
    ],
    [
      { kind: "key_rejected" },
      { result: "park", reason: "upstream answered 401: the API key is not accepted" },
    ],
    [{ kind: "paused" }, { result: "park", reason: "the connection is paused" }],
    [
      { kind: "forbidden" },
      { result: "park", reason: "upstream answered 403: the API key may not read this" },
    ],
    [
      { kind: "refused", status: 422 },
      { result: "park", reason: "upstream answered 422" },
    ],
  ];
  it.each(table)("WR8 %j is retried or parked, never let go", async (failure, settlement) => {
    const { hydrate, upstream, memory, outcomes } = await consumer();
    upstream.failures.set("clients/x", failure);
    const settlements = await hydrate([changedEvent({ createdAt: CHANGED })]);
    expect(settlements).toEqual([settlement]);
    const parked = settlements[0]?.result === "park";
    expect(await outcomes()).toEqual(parked ? ["evt_1 parked"] : []);
    // Parked is not done: sent again, the event is worked on again.
    upstream.failures.clear();
    upstream.held.set("clients/x", { updatedAt: CHANGED, hash: "a" });
    expect(await hydrate([changedEvent({ createdAt: CHANGED, attempts: 1 })])).toEqual([ACK]);
    expect(await outcomes()).toEqual(["evt_1 insert"]);
    expect(memory.records.all(HERE)).toHaveLength(1);
  });

  it("WR8 holds up nobody else in its batch", async () => {
    const { hydrate, upstream, outcomes } = await consumer();
    upstream.failures.set("clients/bad", { kind: "server_error", status: 500 });
    upstream.held.set("clients/good", { updatedAt: CHANGED, hash: "a" });
    const settlements = await hydrate([
      changedEvent({ id: "e1", record: "bad", createdAt: CHANGED }),
      changedEvent({ id: "e2", record: "good", createdAt: CHANGED }),
    ]);
    expect(settlements).toMatchObject([{ result: "retry" }, ACK]);
    expect(await outcomes()).toEqual(["e2 insert"]);
  });
});

it("PR1 nothing of a record or an event's id is logged", async () => {
  const { hydrate, upstream, clock, lines } = await consumer();
  upstream.held.set("clients/CANARY", { updatedAt: 1, hash: "CANARY" });
  clock.pass(60_000);
  upstream.failures.set("clients/CANARY2", { kind: "refused", status: 400 });
  await hydrate([
    changedEvent({ id: "CANARY3", record: "CANARY", createdAt: CHANGED }),
    changedEvent({ id: "CANARY4", record: "CANARY2", createdAt: CHANGED }),
  ]);
  expect(lines).toHaveLength(2);
  expect(lines.join("\n")).not.toContain("CANARY");
});
