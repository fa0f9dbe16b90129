// What the platform gave up on: parked with all it held, listed, and sent again.

import { describe, expect, it } from "vitest";
import { env, rowsOf } from "../support/bindings.ts";
import { ago, isolateTests } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

async function connected() {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  await mirror.deliver(id, event("client.updated", { client_id: "client_1" }));
  await mirror.deliver(id, event("assessment.overdue", { client_id: "client_1", note: "kept" }));
  const bodies = mirror.events.splice(0);
  const list = async () =>
    (await (await mirror.admin(`/admin/dead-letters?connection=${id}`)).json<{ data: object[] }>()).data;
  return { upstream, mirror, id, bodies, list };
}

describe("the dead-letter consumer", () => {
  it("DL1 parks events and jobs of every kind, and acknowledges each once", async () => {
    const { mirror, id, bodies, list } = await connected();
    const job = { job: "look", connection: id, ref: { kind: "staff", id: "staff_1" } };
    const messages = [...bodies, job].map((body) => ({ body, attempts: 100 }));
    expect(await mirror.consume("mirror-dead-letters", messages)).toEqual([["ack"], ["ack"], ["ack"]]);
    const parked = await list();
    expect(parked).toHaveLength(3);
    expect(parked).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ queue: "events", type: "client.updated", record_id: "client_1" }),
        expect.objectContaining({ queue: "events", type: "assessment.overdue", kind: "reminders" }),
        expect.objectContaining({ queue: "jobs", type: "look", record_id: "staff_1", since: ago(0) }),
      ]),
    );
    expect(JSON.stringify(parked)).not.toContain("kept");
  });

  it("DL1 what was parked is whole when it is sent again, payload included", async () => {
    const { upstream, mirror, id, bodies, list } = await connected();
    await mirror.consume(
      "mirror-dead-letters",
      bodies.map((body) => ({ body })),
    );
    const parked = (await list()) as { id: string }[];
    for (const letter of parked) {
      await mirror.admin(`/admin/dead-letters/${letter.id}/replay`, { method: "POST" });
    }
    expect(mirror.events).toHaveLength(2);
    expect(mirror.events).toEqual(expect.arrayContaining(bodies));
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    expect(await mirror.drain()).toEqual([["ack"], ["ack"]]);
    const { get } = await mirror.key(id);
    expect(await (await get("/v1/reminders")).json()).toMatchObject({ data: [{ note: "kept" }] });
  });

  it("DL1 what nobody can read is let go once, and the rest is parked", async () => {
    const { mirror, bodies, list } = await connected();
    const messages = [{ body: { job: "of a later version" } }, { body: "text" }, { body: bodies[0] }];
    const said = await mirror.consume("mirror-dead-letters", messages);
    expect(said.every((words) => words.length > 0 && words.every((word) => word === "ack"))).toBe(true);
    expect(await list()).toHaveLength(1);
  });

  it("DL1 a database that is away acknowledges nothing: the platform delivers again", async () => {
    const { mirror, bodies, list } = await connected();
    const ack: string[] = [];
    const batch = bodies.map((body, i) => ({
      id: `m${i}`,
      timestamp: new Date(),
      attempts: 1,
      body,
      ack: () => void ack.push(`m${i}`),
      retry: () => {},
    }));
    await env.DB.prepare("ALTER TABLE dead_letters RENAME TO away").run();
    const { default: worker } = await import("../../src/index.ts");
    const queue = { queue: "mirror-dead-letters", messages: batch, ackAll: () => void ack.push("all") };
    const consumed = worker.queue({ ...queue, retryAll: () => {} } as unknown as MessageBatch, mirror.env);
    await expect(consumed).rejects.toThrow();
    await env.DB.prepare("ALTER TABLE away RENAME TO dead_letters").run();
    expect([ack, await list()]).toEqual([[], []]);
  });

  it("DL1 nothing of a removed connection is parked", async () => {
    const { mirror, id, bodies } = await connected();
    await mirror.admin(`/admin/connections/${id}`, { method: "DELETE" });
    const said = await mirror.consume(
      "mirror-dead-letters",
      bodies.map((body) => ({ body })),
    );
    expect(said).toEqual([["ack"], ["ack"]]);
    expect(await rowsOf("SELECT * FROM dead_letters WHERE connection_id = ?1", id)).toEqual([]);
  });
});
