// What the clock starts: work on the queue, for every connection that can use it.

import { createScheduledController } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, it } from "vitest";
import type { ConnectionId, RecordId } from "../../src/core/ids.ts";
import worker from "../../src/index.ts";
import { backfillStore } from "../../src/store/backfills.ts";
import { rebuildStore } from "../../src/store/rebuilds.ts";
import { newRun } from "../../src/sync/paging.ts";
import { env, rowsOf } from "../support/bindings.ts";
import { ago, isolateTests, logged, NOW, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores } from "../support/stores.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

const stores = createStores();
const db = drizzle(env.DB);
const backfills = backfillStore(db);
const rebuilds = rebuildStore(db);

const QUARTER = "*/15 * * * *";
const DAILY = "17 3 * * *";
const ALL = ["organizations", "staff", "clients", "assessment-status", "verify"];

interface Sent {
  readonly body: Record<string, unknown>;
  readonly delaySeconds: number;
}

async function setUp(overrides: Record<string, unknown> = {}) {
  const upstream = createUpstream();
  upstream.install();
  const sent: Sent[] = [];
  const sizes: number[] = [];
  const JOBS = {
    async sendBatch(messages: Iterable<Sent>) {
      const all = [...messages].map(({ body, delaySeconds }) => structuredClone({ body, delaySeconds }));
      sizes.push(all.length);
      sent.push(...all);
    },
  };
  const mirror = createMirror({ JOBS, ...overrides });
  const id = newConnectionId() as ConnectionId;
  await mirror.connect(id, { webhook: { public_url: "https://mirror.example" } });
  sent.length = 0;
  const tick = (cron = QUARTER) => worker.scheduled(createScheduledController({ cron }), mirror.env);
  return {
    upstream,
    mirror,
    id,
    sizes,
    tick,
    /** What was queued for this test's connection since asked last. */
    queued: (of: string = id) => sent.splice(0).filter(({ body }) => body.connection === of),
    work: async (of: string = id) =>
      mirror.consume(
        "mirror-jobs",
        sent.splice(0).filter(({ body }) => body.connection === of),
      ),
  };
}

const kindsOf = (sent: readonly Sent[]) => sent.find(({ body }) => body.job === "sweep")?.body.kinds;

describe("a tick", () => {
  it("SW2 queues the sweeps that are due and the guard, and calls nobody itself", async () => {
    const { tick, queued, id, upstream } = await setUp();
    upstream.asked.length = 0;
    await tick();
    expect(queued()).toEqual([
      { body: { job: "sweep", connection: id, kinds: ALL }, delaySeconds: 0 },
      { body: { job: "guard", connection: id }, delaySeconds: 0 },
    ]);
    expect(upstream.asked).toEqual([]);
  });

  it("SW2 what was swept is due again after its interval, the verifier at every tick", async () => {
    const { tick, queued, work } = await setUp({ SWEEP_INTERVAL_MINUTES: "60" });
    await tick();
    await work();
    for (const minutes of [15, 30, 45]) {
      passSeconds(900);
      await tick();
      expect([minutes, kindsOf(queued())]).toEqual([minutes, ["verify"]]);
    }
    passSeconds(900);
    await tick();
    expect(kindsOf(queued())).toEqual(ALL);
  });

  it("SW4 that overlaps another queues the same again, and no list is asked for by both at once", async () => {
    const { tick, queued, upstream, mirror } = await setUp();
    await Promise.all([tick(), tick()]);
    const sweeps = queued().filter(({ body }) => body.job === "sweep");
    expect(sweeps).toHaveLength(2);
    const open = new Map<string, number>();
    let most = 0;
    upstream.state.fault = async ({ url }) => {
      const { pathname } = new URL(url);
      open.set(pathname, (open.get(pathname) ?? 0) + 1);
      most = Math.max(most, ...open.values());
      // Turns of the runtime, in which the other would come in if it could.
      for (let turns = 0; turns < 5; turns++) await scheduler.wait(1);
      open.set(pathname, (open.get(pathname) ?? 1) - 1);
      return undefined;
    };
    expect(await mirror.consume("mirror-jobs", sweeps)).toEqual([["ack"], ["ack"]]);
    expect([most, open.size]).toEqual([1, 3]);
  });

  it("SUB3 a degraded connection is swept in between, too, until it is well again", async () => {
    const { tick, queued, id } = await setUp();
    await stores.connections.raise(id, { name: "webhook/silent", reason: "Nothing was heard." }, NOW);
    await tick();
    const sweeps = queued().filter(({ body }) => body.job === "sweep");
    expect(sweeps.map(({ delaySeconds }) => delaySeconds)).toEqual([0, 300, 600]);
    expect(new Set(sweeps.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    await stores.connections.clear(id, "webhook/silent");
    await tick();
    expect(queued().filter(({ body }) => body.job === "sweep")).toHaveLength(1);
  });

  it("SUB1 leaves a connection alone that is still being made, and probes one that is paused", async () => {
    const { tick, queued, id } = await setUp();
    await stores.connections.pause(id, "RCMS no longer accepts the API key (401).");
    await tick();
    expect(kindsOf(queued())).toEqual(ALL);
    await env.DB.prepare("UPDATE connections SET status = 'connecting' WHERE id = ?1").bind(id).run();
    await tick();
    expect(queued()).toEqual([]);
    await stores.connections.remove(id);
  });

  it("SW3 one connection whose cursor cannot be read does not take the others' tick", async () => {
    const { tick, queued, mirror, id } = await setUp();
    const after = `${id}-after`;
    await mirror.connect(after);
    queued();
    await env.CURSORS.put(`cursor/${id}/clients`, "not a cursor");
    await tick().catch(() => {});
    const others = kindsOf(queued(after));
    await mirror.admin(`/admin/connections/${id}?force=true`, { method: "DELETE" });
    expect(others).toEqual(ALL);
  });

  it("WR8 a queue that refuses fails the tick, so that it shows", async () => {
    const JOBS = { sendBatch: () => Promise.reject(new Error("the queue is away")) };
    await setUp();
    const controller = createScheduledController({ cron: QUARTER });
    await expect(worker.scheduled(controller, createMirror({ JOBS }).env)).rejects.toThrow("the tick failed");
  });
});

describe("forgotten work", () => {
  const forgotten = (sent: readonly Sent[]) =>
    sent.map(({ body }) => body).filter(({ job }) => job === "backfill" || job === "rebuild");

  it("BF1 a backfill whose message was lost is queued again after a quarter of an hour, and not before", async () => {
    const { tick, queued, id } = await setUp();
    const row = { job: "backfill", connection: id, backfill: `bf-${id}` };
    await backfills.begin(id, "u1", "client_1" as RecordId, `bf-${id}`, NOW);
    await tick();
    passSeconds(900);
    await tick();
    expect(forgotten(queued())).toEqual([]);
    passSeconds(1);
    await tick();
    expect(forgotten(queued())).toEqual([row]);
    await backfills.set(`bf-${id}`, "done", undefined, NOW);
    await tick();
    expect(forgotten(queued())).toEqual([]);
  });

  it("BF1 ever so many are queued a bounded number at a time, in batches the queue takes", async () => {
    const { tick, queued, id, sizes } = await setUp();
    const many = Array.from({ length: 150 }, (_, i) => i);
    await Promise.all(many.map((i) => backfills.begin(id, `u${i}`, "c" as RecordId, `${id}-${i}`, NOW)));
    passSeconds(901);
    sizes.length = 0;
    await tick();
    expect(forgotten(queued())).toHaveLength(90);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  });

  it("RB1 a rebuild whose message was lost goes on with one job, whatever the number of its kinds", async () => {
    const { tick, queued, id } = await setUp();
    for (const kind of ["staff", "clients"] as const) await rebuilds.order(id, kind, newRun(), 0, NOW);
    passSeconds(901);
    await tick();
    expect(forgotten(queued())).toEqual([{ job: "rebuild", connection: id }]);
    await rebuilds.cancel(id, Date.now());
    passSeconds(901);
    await tick();
    expect(forgotten(queued())).toEqual([]);
  });
});

describe("the daily purge", () => {
  it("IN8 forgets events that no copy can follow any more, and starts no sweep", async () => {
    const { tick, queued, mirror, id, upstream } = await setUp({ LEDGER_HOURS: "48" });
    const secret = "whsec_upstream_1";
    upstream.put("clients", { id: "client_1", updated_at: ago(1) });
    await mirror.deliver(id, event("client.updated", { client_id: "client_1" }), secret);
    await mirror.drain();
    const ledger = () => rowsOf("SELECT 1 FROM events WHERE connection_id = ?1", id);
    queued();
    passSeconds(48 * 3_600);
    await tick(DAILY);
    expect(await ledger()).toHaveLength(1);
    passSeconds(1);
    logged();
    await tick(DAILY);
    expect([await ledger(), queued()]).toEqual([[], []]);
    expect(logged().join()).toMatch(/ledger_purged.*"events":1/);
  });

  it("SUB2 what the ledger no longer keeps is not called missing by the guard", async () => {
    const { tick, work, mirror, id, upstream } = await setUp();
    const sent = event("client.updated", { client_id: "client_1" });
    upstream.put("clients", { id: "client_1", updated_at: ago(1) });
    await mirror.deliver(id, sent, "whsec_upstream_1");
    await mirror.drain();
    const created_at = sent.created_at;
    const data = [
      { event_id: sent.id, event_type: sent.type, status: "delivered", attempt_count: 1, created_at },
    ];
    upstream.state.fault = ({ url }) => {
      if (url.endsWith("/deliveries")) return Response.json({ data });
      return url.includes("/webhooks/") ? problem(404) : undefined;
    };
    const status = async () => (await stores.connections.list()).find((one) => one.id === id)?.statusReason;
    passSeconds(600);
    await tick();
    await work();
    expect(await status()).toBeUndefined();
    // A quiet week: RCMS still shows the delivery among its last hundred, the ledger has let it go.
    passSeconds(7 * 86_400);
    await tick(DAILY);
    await tick();
    await work();
    expect(await status()).toBeUndefined();
  });
});
