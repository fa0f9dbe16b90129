// The writer as a Durable Object: one fetch at a time per record, and doubts that outlive the object.

import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { shardOf } from "../../src/core/shard.ts";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { ref } from "../support/stores.ts";
import { until } from "../support/until.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

const client = ref("client_1");

async function connected() {
  // A call's own timeout would hold the object in memory for as long as it runs.
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  const writer = env.WRITERS.getByName(`${id}:${shardOf(client, 16)}`);
  const look = async () => {
    const [looked] = await writer.look(id, [{ ref: client, class: "event" }]);
    return looked;
  };
  return { upstream, mirror, id, writer, look };
}

describe("doubts", () => {
  it("WR7 a disappearance first seen before the object was evicted is confirmed after it", async () => {
    const { upstream, writer, look } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    expect(await look()).toMatchObject({ ok: true, decision: "insert" });
    upstream.remove("clients", "client_1");
    passSeconds(10);
    const doubt = { about: "gone", since: Date.now() };
    expect(await look()).toMatchObject({ decision: "unchanged", doubt });

    await evictDurableObject(writer);
    passSeconds(59);
    expect(await look()).toMatchObject({ decision: "unchanged", doubt });
    await evictDurableObject(writer);
    passSeconds(1);
    expect(await look()).toMatchObject({ decision: "tombstone" });
  });

  it("WR3 a step back in time is believed across an eviction, after a minute", async () => {
    const { upstream, writer, look } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(5), status: "new" });
    await look();
    upstream.put("clients", { id: "client_1", updated_at: ago(500), status: "restored" });
    passSeconds(10);
    expect(await look()).toMatchObject({ decision: "older", doubt: { about: "back-in-time" } });
    await evictDurableObject(writer);
    passSeconds(60);
    const settled = await look();
    expect(settled).toMatchObject({ decision: "update" });
    expect(settled).not.toHaveProperty("doubt");
  });

  it("WR7 a record that came back settles the doubt: the next disappearance starts anew", async () => {
    const { upstream, look } = await connected();
    const record = { id: "client_1", updated_at: ago(5) };
    upstream.put("clients", record);
    await look();
    upstream.remove("clients", "client_1");
    passSeconds(10);
    await look();
    upstream.put("clients", record);
    passSeconds(40);
    expect(await look()).not.toHaveProperty("doubt");
    upstream.remove("clients", "client_1");
    passSeconds(40);
    expect(await look()).toMatchObject({ decision: "unchanged", doubt: { since: Date.now() } });
  });

  it("WR7 a 404 of an assumed route proves nothing until the route has answered once", async () => {
    const { upstream, id } = await connected();
    const staff = ref("staff_1", "staff");
    const writer = env.WRITERS.getByName(`${id}:${shardOf(staff, 16)}`);
    const look = () => writer.look(id, [{ ref: staff, class: "event" }]);
    expect(await look()).toMatchObject([{ ok: true, decision: "unchanged", unproven: true }]);
    upstream.put("staff", { id: "staff_1", updated_at: ago(5) });
    expect(await look()).toMatchObject([{ decision: "insert" }]);
    upstream.remove("staff", "staff_1");
    passSeconds(1);
    expect(await look()).toMatchObject([{ doubt: { about: "gone" } }]);
  });
});

describe("flights", () => {
  it("WR1 any number of looks during a fetch cause exactly one more", async () => {
    const { upstream, id, writer, look } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    let [inFlight, most, released] = [0, 0, false];
    upstream.state.fault = async () => {
      most = Math.max(most, ++inFlight);
      await until(() => released);
      inFlight--;
      return undefined;
    };
    const first = look();
    await until(() => inFlight === 1);
    const others = Array.from({ length: 9 }, look);
    // Calls arrive in order: once a later one is answered, those nine are waiting.
    await writer.offer(id, []);
    released = true;
    const looked = await Promise.all([first, ...others]);
    expect(looked.map((one) => one?.ok)).toEqual(Array.from({ length: 10 }, () => true));
    expect([upstream.asked.length, most]).toEqual([2, 1]);
  });

  it("WR2 a look asked for after a fetch started is answered by a later one", async () => {
    const { upstream, id, writer, look } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(1), status: "after" });
    let released = false;
    upstream.state.fault = async () => {
      upstream.state.fault = undefined;
      const stale = { id: "client_1", updated_at: ago(60), status: "before" };
      await until(() => released);
      return Response.json({ data: stale });
    };
    const first = look();
    await until(() => upstream.asked.length === 1);
    const second = look();
    await writer.offer(id, []);
    released = true;
    expect(await first).toMatchObject({ decision: "insert", version: { updatedAt: Date.now() - 60_000 } });
    expect(await second).toMatchObject({ version: { updatedAt: Date.now() - 1_000 } });
  });
});

describe("a connection's life", () => {
  it("WR8 a replaced API key is used by the next look of the same object", async () => {
    const { upstream, mirror, id, look } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    await look();
    upstream.state.key = "another-key";
    await mirror.admin(`/admin/connections/${id}/resume`, { json: { api_key: "another-key" } });
    expect(await look()).toMatchObject({ ok: true, decision: "unchanged" });
    expect(upstream.asked.at(-1)?.authorization).toBe("Bearer another-key");
  });

  it("AD1 an object of a removed connection answers, writes nothing and calls nobody", async () => {
    const { upstream, mirror, id, look } = await connected();
    await mirror.admin(`/admin/connections/${id}`, { method: "DELETE" });
    expect(await look()).toEqual({ ok: false, failure: { kind: "interrupted" } });
    expect(upstream.asked).toEqual([]);
  });

  it("AD1 a doubt does not survive its connection: a new one of the same id starts without", async () => {
    const { upstream, mirror, id, look } = await connected();
    await look();
    await mirror.admin(`/admin/connections/${id}`, { method: "DELETE" });
    await mirror.connect(id);
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    expect(await look()).toMatchObject({ decision: "insert" });
    upstream.remove("clients", "client_1");
    passSeconds(120);
    expect(await look()).toMatchObject({ decision: "unchanged", doubt: { since: Date.now() } });
  });
});
