// What becomes of a message: acknowledged, retried after the delay that fits its failure, or parked.

import { describe, expect, it, vi } from "vitest";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, type Mirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

async function connected() {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  return { upstream, mirror, id };
}

/** The queue message of one event. */
async function queued(mirror: Mirror, id: string, sent: unknown): Promise<unknown> {
  await mirror.deliver(id, sent);
  return mirror.events.splice(0)[0];
}

const changed = (client = "client_1", more = {}) => event("client.updated", { client_id: client }, more);

async function letters(mirror: Mirror, id: string) {
  const response = await mirror.admin(`/admin/dead-letters?connection=${id}`);
  return (await response.json<{ data: { reason: string; queue: string; type: string }[] }>()).data;
}

async function outcomes(mirror: Mirror, id: string) {
  const response = await mirror.admin(`/admin/events?connection=${id}`);
  return (await response.json<{ data: { outcome: string }[] }>()).data.map(({ outcome }) => outcome);
}

describe("a failing upstream", () => {
  it.each([
    [1, 1],
    [2, 2],
    [5, 16],
    [12, 450],
    [89, 450],
  ])("WR8 a 500 at delivery %i comes back after %i s at the earliest", async (attempts, seconds) => {
    const { upstream, mirror, id } = await connected();
    upstream.state.fault = () => problem(500);
    const body = await queued(mirror, id, changed());
    expect(await mirror.consume("mirror-events", [{ body, attempts }])).toEqual([[{ retry: seconds }]]);
    expect(await letters(mirror, id)).toEqual([]);
    expect(await outcomes(mirror, id)).toEqual([]);
  });

  it("WR8 the ninetieth delivery parks with the reason instead", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.state.fault = () => problem(500);
    const body = await queued(mirror, id, changed());
    expect(await mirror.consume("mirror-events", [{ body, attempts: 90 }])).toEqual([["ack"]]);
    expect(await letters(mirror, id)).toMatchObject([{ reason: "upstream answered 500", attempts: 90 }]);
    expect(await outcomes(mirror, id)).toEqual(["parked"]);
  });

  it("WR8 Retry-After is honoured by the message that met it and by those after it", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.state.fault = () => problem(429, { "retry-after": "77" });
    const bodies = [await queued(mirror, id, changed("a")), await queued(mirror, id, changed("b"))];
    expect(await mirror.consume("mirror-events", [{ body: bodies[0] }])).toEqual([[{ retry: 77 }]]);
    passSeconds(7);
    expect(await mirror.consume("mirror-events", [{ body: bodies[1] }])).toEqual([[{ retry: 70 }]]);
    expect(upstream.asked).toHaveLength(1);
  });

  it.each([403, 400, 422])("WR8 a %i is parked at once", async (status) => {
    const { upstream, mirror, id } = await connected();
    upstream.state.fault = () => problem(status);
    const body = await queued(mirror, id, changed());
    expect(await mirror.consume("mirror-events", [{ body }])).toEqual([["ack"]]);
    expect(await letters(mirror, id)).toMatchObject([{ reason: expect.stringContaining(String(status)) }]);
  });

  it("WR8 an answer that is not understood is asked for a few times, then parked", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.state.fault = () => new Response("<html>");
    const body = await queued(mirror, id, changed());
    const said = [];
    for (const attempts of [1, 2, 3, 4]) {
      said.push(...(await mirror.consume("mirror-events", [{ body, attempts }])));
    }
    expect(said).toEqual([[{ retry: 1 }], [{ retry: 2 }], [{ retry: 4 }], ["ack"]]);
    expect(await letters(mirror, id)).toHaveLength(1);
  });

  it("WR8 what cannot be parked comes back and is not lost", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.state.fault = () => problem(403);
    const body = await queued(mirror, id, changed());
    await env.DB.prepare("ALTER TABLE dead_letters RENAME TO away").run();
    const said = await mirror.consume("mirror-events", [{ body }]);
    await env.DB.prepare("ALTER TABLE away RENAME TO dead_letters").run();
    expect(said).toEqual([[{ retry: 60 }]]);
  });
});

describe("an upstream that lags", () => {
  it("WR6 is looked at again after 2, 5 and 15 s, then the event is let go as lagging", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(3_600) });
    const body = await queued(mirror, id, changed("client_1", { created_at: ago(0) }));
    const said = [];
    for (const seconds of [0, 2, 5, 15]) {
      passSeconds(seconds);
      said.push(...(await mirror.consume("mirror-events", [{ body }])));
    }
    expect(said).toEqual([[{ retry: 2 }], [{ retry: 5 }], [{ retry: 15 }], ["ack"]]);
    expect(await outcomes(mirror, id)).toEqual(["lagging"]);
    expect(upstream.asked).toHaveLength(4);
  });

  it("WR6 a record that catches up on the second look is let go there", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(3_600) });
    const body = await queued(mirror, id, changed("client_1", { created_at: ago(0) }));
    expect(await mirror.consume("mirror-events", [{ body }])).toEqual([[{ retry: 2 }]]);
    upstream.put("clients", { id: "client_1", updated_at: ago(0), status: "new" });
    passSeconds(2);
    expect(await mirror.consume("mirror-events", [{ body }])).toEqual([["ack"]]);
    expect(await outcomes(mirror, id)).toEqual(["update"]);
  });

  it("WR7 a record that is gone is buried after a minute, and not before", async () => {
    const { upstream, mirror, id } = await connected();
    const { get } = await mirror.key(id);
    upstream.put("clients", { id: "client_1", updated_at: ago(3_600) });
    expect((await get("/v1/clients/client_1")).status).toBe(200);
    upstream.remove("clients", "client_1");
    passSeconds(100);
    const body = await queued(mirror, id, changed("client_1", { created_at: ago(0) }));
    const said = [];
    for (const seconds of [0, 2, 5, 15, 37]) {
      passSeconds(seconds);
      said.push(...(await mirror.consume("mirror-events", [{ body }])));
      expect((await get("/v1/clients/client_1")).status).toBe(200);
    }
    expect(said).toEqual([[{ retry: 2 }], [{ retry: 5 }], [{ retry: 15 }], [{ retry: 38 }], [{ retry: 1 }]]);
    passSeconds(1);
    expect(await mirror.consume("mirror-events", [{ body }])).toEqual([["ack"]]);
    expect(await outcomes(mirror, id)).toEqual(["tombstone"]);
    expect((await get("/v1/clients/client_1")).status).toBe(404);
  });
});
