// The queue consumers: every message of a batch is settled once, and none on behalf of another.

import { describe, expect, it, vi } from "vitest";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, logged, passSeconds } from "../support/each-test.ts";
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

async function outcomes(mirror: Mirror, id: string, limit = 100) {
  const response = await mirror.admin(`/admin/events?connection=${id}&limit=${limit}`);
  return (await response.json<{ data: { outcome: string }[] }>()).data.map(({ outcome }) => outcome);
}

describe("a batch", () => {
  it("IN8 copies of one event within a batch are one fetch, each acknowledged", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(1) });
    const body = await queued(mirror, id, changed());
    const said = await mirror.consume("mirror-events", [{ body }, { body }, { body }]);
    expect(said).toEqual([["ack"], ["ack"], ["ack"]]);
    expect(upstream.asked).toHaveLength(1);
  });

  it("WR9 many records of one kind are one list", async () => {
    const { upstream, mirror, id } = await connected();
    for (let i = 0; i < 40; i++) {
      upstream.put("clients", { id: `client_${i}`, updated_at: ago(5) });
      await mirror.deliver(id, changed(`client_${i}`));
    }
    expect(await mirror.drain()).toEqual(Array.from({ length: 40 }, () => ["ack"]));
    expect(upstream.calls()).toEqual([expect.stringMatching(/^GET \/clients\?updated_after=/)]);
    expect(await outcomes(mirror, id)).toEqual(Array.from({ length: 40 }, () => "insert"));
  });

  it("WR8 one poisoned message among a hundred does not hold up the other ninety-nine", async () => {
    const { upstream, mirror, id } = await connected();
    const { get } = await mirror.key(id);
    for (let i = 0; i < 100; i++) {
      if (i !== 50) upstream.put("clients", { id: `client_${i}`, updated_at: ago(5) });
      await mirror.deliver(id, changed(`client_${i}`));
    }
    upstream.state.fault = (request) => (request.url.endsWith("/client_50") ? problem(500) : undefined);
    const said = await mirror.drain();
    expect(said.map((words) => words.length)).toEqual(Array.from({ length: 100 }, () => 1));
    expect(said.flatMap((words, i) => (words[0] === "ack" ? [] : [i]))).toEqual([50]);
    expect(said[50]).toEqual([{ retry: 1 }]);
    const { data } = await (await get("/v1/clients?limit=200")).json<{ data: unknown[] }>();
    expect(data).toHaveLength(99);
    expect(await outcomes(mirror, id, 200)).toEqual(Array.from({ length: 99 }, () => "insert"));
  });

  it("WR8 a message nobody can read is let go with a log line, the others are settled", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(1) });
    const good = (await queued(mirror, id, changed())) as object;
    const unreadable = [
      null,
      "text",
      7,
      [],
      {},
      { ...good, connection: "../x" },
      { ...good, what: { is: "new" } },
    ];
    const bodies = [...unreadable, good, { ...good, receivedAt: "now" }];
    logged();
    const said = await mirror.consume(
      "mirror-events",
      bodies.map((body) => ({ body })),
    );
    expect(said).toEqual(bodies.map(() => ["ack"]));
    expect(logged().filter((line) => line.includes("message_unreadable"))).toHaveLength(8);
    expect(await outcomes(mirror, id)).toEqual(["insert"]);
  });

  it("WR8 messages of a connection that is gone are let go without a call", async () => {
    const { upstream, mirror, id } = await connected();
    const body = await queued(mirror, id, changed());
    await mirror.admin(`/admin/connections/${id}`, { method: "DELETE" });
    const job = { job: "look", connection: id, ref: { kind: "clients", id: "client_1" } };
    expect(await mirror.consume("mirror-events", [{ body }])).toEqual([["ack"]]);
    expect(await mirror.consume("mirror-jobs", [{ body: job }])).toEqual([["ack"]]);
    expect(upstream.asked).toEqual([]);
    expect(await outcomes(mirror, id)).toEqual([]);
  });

  it("WR8 a connection that cannot be opened holds up no other in its batch", async () => {
    const { upstream, mirror, id } = await connected();
    const broken = newConnectionId();
    await mirror.connect(broken);
    upstream.put("clients", { id: "client_1", updated_at: ago(1) });
    await env.DB.prepare("UPDATE connections SET api_key = 's1.AAAA.AAAA' WHERE id = ?1").bind(broken).run();
    for (const connection of [broken, id, broken]) await mirror.deliver(connection, changed());
    expect(await mirror.drain()).toEqual([[{ retry: 1 }], ["ack"], [{ retry: 1 }]]);
  });

  it("WR5 a ledger that cannot be written acknowledges nothing; the record is there already", async () => {
    const { upstream, mirror, id } = await connected();
    const { get } = await mirror.key(id);
    upstream.put("clients", { id: "client_1", updated_at: ago(1) });
    const body = await queued(mirror, id, changed());
    const prepare = (sql: string) => {
      if (sql.includes("INSERT INTO events")) throw new Error("the database is away");
      return env.DB.prepare(sql);
    };
    const crashing = createMirror({ DB: { prepare, batch: env.DB.batch.bind(env.DB) } });
    expect(await crashing.consume("mirror-events", [{ body }])).toEqual([[{ retry: 1 }]]);
    expect((await get("/v1/clients/client_1")).headers.get("mirror-seq")).toBe("1");
    expect(await mirror.consume("mirror-events", [{ body, attempts: 2 }])).toEqual([["ack"]]);
    expect((await get("/v1/clients/client_1")).headers.get("mirror-seq")).toBe("1");
    expect(await outcomes(mirror, id)).toHaveLength(1);
  });
});

describe("jobs", () => {
  it("WR7 a look asks until a disappearance is old enough, and parks what failed for good", async () => {
    const { upstream, mirror, id } = await connected();
    const { get } = await mirror.key(id);
    const body = { job: "look", connection: id, ref: { kind: "clients", id: "client_1" } };
    const look = async () => (await mirror.consume("mirror-jobs", [{ body }]))[0];
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    expect(await look()).toEqual(["ack"]);
    upstream.remove("clients", "client_1");
    passSeconds(10);
    expect(await look()).toEqual([{ retry: 60 }]);
    passSeconds(59);
    expect(await look()).toEqual([{ retry: 1 }]);
    expect((await get("/v1/clients/client_1")).status).toBe(200);
    passSeconds(1);
    expect(await look()).toEqual(["ack"]);
    expect((await get("/v1/clients/client_1")).status).toBe(404);
    upstream.state.fault = () => problem(403);
    expect(await look()).toEqual(["ack"]);
    expect(await letters(mirror, id)).toMatchObject([{ queue: "jobs", type: "look" }]);
  });

  it("WR8 a queue nobody knows is refused whole", async () => {
    const { mirror } = await connected();
    const unknown = "mirror-typo" as "mirror-jobs";
    await expect(mirror.consume(unknown, [{ body: {} }])).rejects.toThrow("mirror-typo");
  });
});
