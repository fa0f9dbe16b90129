// What the operator sees of events: the ledger, and the messages that were parked.

import { describe, expect, it } from "vitest";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

async function connected() {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  mirror.jobs.length = 0;
  const read = async <T = Record<string, unknown>>(path: string) =>
    (await (await mirror.admin(path)).json<{ data: T }>()).data;
  return { upstream, mirror, id, read };
}

describe("the ledger and the dead letters", () => {
  async function withLetters() {
    const given = await connected();
    const { upstream, mirror, id } = given;
    upstream.state.fault = () => problem(403);
    for (const client of ["client_1", "client_2", "client_3"]) {
      await mirror.deliver(id, event("client.updated", { client_id: client }));
      passSeconds(1);
      await mirror.drain();
    }
    upstream.state.fault = undefined;
    for (const client of ["client_1", "client_2", "client_3"]) upstream.put("clients", { id: client });
    const letters = () =>
      given.read<{ id: string; record_id: string }[]>(`/admin/dead-letters?connection=${id}`);
    return { ...given, letters };
  }

  it("DL1 a letter says what was given up and why, and not what was in it", async () => {
    const { id, letters } = await withLetters();
    const [newest] = await letters();
    expect(newest).toEqual({
      id: expect.stringMatching(/\S/),
      connection: id,
      queue: "events",
      type: "client.updated",
      kind: "clients",
      record_id: "client_3",
      reason: "upstream answered 403: the API key may not read this",
      attempts: 1,
      since: ago(1),
      parked_at: ago(0),
    });
    expect(await letters()).toHaveLength(3);
  });

  it("DL1 one letter is sent again and removed, the others stay", async () => {
    const { mirror, letters } = await withLetters();
    const [, letter] = await letters();
    const replay = () => mirror.admin(`/admin/dead-letters/${letter?.id}/replay`, { method: "POST" });
    expect(await (await replay()).json()).toEqual({ data: { replayed: 1, more: false } });
    expect(mirror.events).toMatchObject([{ what: { ref: { id: "client_2" } } }]);
    expect((await letters()).map(({ record_id }) => record_id)).toEqual(["client_3", "client_1"]);
    await expectError(await replay(), 404, "not_found");
  });

  it("DL1 all are sent again oldest first, and the ledger moves from parked to done", async () => {
    const { mirror, id, read, letters } = await withLetters();
    const outcomes = async () =>
      (await read<{ outcome: string; done_at: string | null }[]>(`/admin/events?connection=${id}`)).map(
        ({ outcome, done_at }) => [outcome, done_at !== null],
      );
    expect(await outcomes()).toEqual(Array.from({ length: 3 }, () => ["parked", false]));
    const response = await mirror.admin("/admin/dead-letters/replay", { method: "POST" });
    expect(await response.json()).toMatchObject({ data: { more: false } });
    const own = (mirror.events as { connection: string }[]).filter(({ connection }) => connection === id);
    expect(own).toMatchObject(
      ["client_1", "client_2", "client_3"].map((client) => ({ what: { ref: { id: client } } })),
    );
    const bodies = own.map((body) => ({ body }));
    expect(await mirror.consume("mirror-events", bodies)).toEqual([["ack"], ["ack"], ["ack"]]);
    expect([await outcomes(), await letters()]).toEqual([
      Array.from({ length: 3 }, () => ["insert", true]),
      [],
    ]);
  });

  it("DL1 a queue that refuses leaves the letters where they are", async () => {
    const { letters } = await withLetters();
    const refuse = () => Promise.reject(new Error("away"));
    const broken = createMirror({ EVENTS: { send: refuse, sendBatch: refuse } });
    const response = await broken.admin("/admin/dead-letters/replay", { method: "POST" });
    await expectError(response, 500, "internal");
    expect(await letters()).toHaveLength(3);
  });

  it("AD1 the ledger is filtered by connection and outcome, within a limit", async () => {
    const { id, read, mirror } = await withLetters();
    await mirror.deliver(id, event("plan.updated", {}));
    await mirror.drain();
    expect(await read(`/admin/events?connection=${id}&outcome=unknown_type`)).toMatchObject([
      { type: "plan.updated", kind: null, record_id: null, attempts: 1 },
    ]);
    expect(await read<unknown[]>(`/admin/events?connection=${id}&limit=2`)).toHaveLength(2);
    for (const query of ["limit=0", "limit=501", "outcome=A", "connection=NO", "since=1"]) {
      await expectError(await mirror.admin(`/admin/events?${query}`), 400, "invalid_request");
    }
    for (const query of ["limit=0", "connection=NO", "x=1"]) {
      await expectError(await mirror.admin(`/admin/dead-letters?${query}`), 400, "invalid_request");
    }
  });
});
