// Every event type, from the signed POST through the queue to the read API.

import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import worker from "../../src/index.ts";
import { ago, isolateTests } from "../support/each-test.ts";
import { EVENT_TYPES, event } from "../support/events.ts";
import { createMirror, type Mirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

async function connected() {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  return { upstream, mirror, id, app: await mirror.key(id) };
}

/** What was queued, through the consumer as the platform calls it. */
async function runQueue(mirror: Mirror) {
  const messages = mirror.events.splice(0).map((body, i) => ({
    id: `m${i}`,
    timestamp: Date.now(),
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch("mirror-events", messages);
  const ctx = createExecutionContext();
  await worker.queue(batch, mirror.env);
  return getQueueResult(batch, ctx);
}

const subject = "subject_1";
const paths: Readonly<Record<string, string>> = {
  clients: `/v1/clients/${subject}`,
  staff: `/v1/staff/${subject}`,
  organizations: `/v1/organizations/${subject}`,
  "assessment-status": `/v1/clients/${subject}/assessment-status`,
};

describe("an event's way", () => {
  it.each(EVENT_TYPES.filter(([, kind]) => kind !== "reminders"))(
    "IN9 %s brings its record, by ids alone",
    async (type, kind, field) => {
      const { upstream, mirror, id, app } = await connected();
      const record = { id: subject, organization_id: "org_1", status: "x", updated_at: ago(5), note: "n" };
      if (kind === "assessment-status") upstream.putStatus(subject, { ...record, id: "status_1" });
      else upstream.put(kind as "clients", record);
      const data = { [field]: subject, overall_score: 17, first_name: "Ada" };
      expect((await mirror.deliver(id, event(type, data))).status).toBe(202);

      const [message] = mirror.events as { what: Record<string, unknown> }[];
      const { is, ref, ...flags } = message?.what ?? {};
      expect({ ...message, what: { is, ref } }).toEqual({
        connection: id,
        eventId: expect.stringMatching(/^evt_/),
        type,
        createdAt: Date.now() - 5_000,
        receivedAt: Date.now(),
        organizationId: "org_1",
        what: { is: "changed", ref: { kind, id: subject } },
      });
      // Beside the ids it may say what follows from the type, and nothing of the payload.
      expect(Object.values(flags).filter((flag) => flag !== true)).toEqual([]);
      expect(flags.assessmentTaken === true).toBe(/submitted|scored/.test(type));

      const result = await runQueue(mirror);
      expect([result.explicitAcks, result.retryMessages]).toEqual([["m0"], []]);
      const read = await app.get(paths[kind] ?? "");
      expect(read.status).toBe(200);
      expect(await read.json()).toMatchObject({ data: { note: "n", status: "x" } });
      expect(upstream.asked).toHaveLength(1);
    },
  );

  it.each(EVENT_TYPES.filter(([, kind]) => kind === "reminders"))(
    "IN9 %s is its own record and is the one that travels whole",
    async (type) => {
      const { upstream, mirror, id, app } = await connected();
      const data = { client_id: subject, due_at: "2026-11-08", channel: { sms: true } };
      await mirror.deliver(id, event(type, data, { id: `evt_of_${id}` }));
      expect(mirror.events).toMatchObject([
        { what: { is: "record", ref: { kind: "reminders", id: `evt_of_${id}` }, payload: data } },
      ]);
      expect((await runQueue(mirror)).explicitAcks).toEqual(["m0"]);
      const listed = await (await app.get("/v1/reminders")).json();
      expect(listed).toMatchObject({ data: [{ ...data, type, status: "open", id: `evt_of_${id}` }] });
      expect(upstream.asked).toEqual([]);
    },
  );

  it("IN8 the same event delivered three times is one fetch and one ledger entry", async () => {
    const { upstream, mirror, id } = await connected();
    upstream.put("clients", { id: subject, updated_at: ago(5) });
    const sent = event("client.updated", { client_id: subject });
    await mirror.deliver(id, sent);
    await mirror.deliver(id, sent);
    expect((await runQueue(mirror)).explicitAcks).toEqual(["m0", "m1"]);
    await mirror.deliver(id, sent);
    expect((await runQueue(mirror)).explicitAcks).toEqual(["m0"]);
    expect(upstream.calls()).toEqual([`GET /clients/${subject}`]);
    const { data } = await (await mirror.admin(`/admin/events?connection=${id}`)).json<{ data: unknown[] }>();
    expect(data).toHaveLength(1);
  });

  it("PR3 a field the connection does not allow is neither stored nor served", async () => {
    const upstream = createUpstream();
    upstream.install();
    const mirror = createMirror();
    const id = newConnectionId();
    await mirror.connect(id, { fields: { clients: ["status"], reminders: ["client_id"] } });
    const app = await mirror.key(id);
    upstream.put("clients", { id: subject, updated_at: ago(5), status: "active", first_name: "Ada" });
    await mirror.deliver(id, event("client.updated", { client_id: subject }));
    await mirror.deliver(id, event("assessment.overdue", { client_id: subject, phone: "202-555-0143" }));
    await mirror.drain();
    expect(await (await app.get(`/v1/clients/${subject}`)).json()).toEqual({
      data: { id: subject, status: "active" },
    });
    expect(await (await app.get("/v1/reminders")).text()).not.toContain("555-0143");
  });
});

describe("reminders", () => {
  async function reminded() {
    const given = await connected();
    await given.mirror.deliver(
      given.id,
      event("assessment.overdue", { client_id: subject }, { id: `evt_r_${given.id}` }),
    );
    await given.mirror.drain();
    const post = (path: string) => given.app.get(path, { method: "POST" });
    return { ...given, post, ack: `/v1/reminders/evt_r_${given.id}/ack` };
  }

  it("RM1 a reminder is acknowledged once: the second answer is the first", async () => {
    const { app, post, ack } = await reminded();
    const first = await post(ack);
    const text = await first.text();
    expect([first.status, JSON.parse(text)]).toMatchObject([200, { data: { status: "acknowledged" } }]);
    const second = await post(ack);
    expect([second.status, await second.text()]).toEqual([200, text]);
    expect(second.headers.get("mirror-seq")).toBe(first.headers.get("mirror-seq"));
    expect(await (await app.get("/v1/reminders?status=open")).json()).toMatchObject({ data: [] });
    expect(await (await app.get("/v1/reminders?status=acknowledged")).json()).toMatchObject({ data: [{}] });
  });

  it("RM1 an assessment taken closes it, in whichever order the two arrive", async () => {
    const { upstream, mirror, id, app } = await reminded();
    upstream.putStatus(subject, { id: "st", updated_at: ago(0) });
    await mirror.deliver(id, event("assessment.submitted", { client_id: subject }, { created_at: ago(2) }));
    await mirror.deliver(id, event("assessment.due_soon", { client_id: subject }, { created_at: ago(3) }));
    await mirror.drain();
    const closed = await (await app.get("/v1/reminders?status=closed")).json<{ data: unknown[] }>();
    expect(closed.data).toHaveLength(2);
    await mirror.deliver(id, event("assessment.due_soon", { client_id: subject }, { created_at: ago(1) }));
    await mirror.drain();
    expect(await (await app.get("/v1/reminders?status=open")).json()).toMatchObject({ data: [{}] });
  });

  it("RM1 a reminder repeated after it was acknowledged stays acknowledged", async () => {
    const { mirror, id, app, post, ack } = await reminded();
    await post(ack);
    const again = event("assessment.overdue", { client_id: subject, more: 1 }, { id: `evt_r_${id}` });
    const message = await mirror.deliver(id, again).then(() => mirror.events.splice(0)[0]);
    // The ledger forgets after three days; the reminder itself still knows.
    await mirror.env.DB.prepare("DELETE FROM events WHERE connection_id = ?1").bind(id).run();
    expect(await mirror.consume("mirror-events", [{ body: message }])).toEqual([["ack"]]);
    expect(await (await app.get("/v1/reminders")).json()).toMatchObject({
      data: [{ status: "acknowledged" }],
    });
  });

  it("RM1 a reminder of an organization the key may not see cannot be acknowledged", async () => {
    const { mirror, id, ack } = await reminded();
    const stranger = await mirror.key(id, { organizations: ["org_2"] });
    expect((await stranger.get(ack, { method: "POST" })).status).toBe(404);
    expect(await (await stranger.get("/v1/reminders")).json()).toMatchObject({ data: [] });
  });
});
