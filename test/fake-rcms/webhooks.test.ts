// Webhooks: registration, signed delivery, retries, disablement, deliveries, the test event, idempotent writes.

import { createHmac, timingSafeEqual } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EVENT_TYPES } from "./events.ts";
import { api, asObject, handClock, type Receiver, register, rows, startReceiver } from "./fixture.ts";
import type { Network } from "./network.ts";
import { type FakeRcms, startFakeRcms } from "./server.ts";
import { hmacHex, signatureHeader } from "./signature.ts";

const clock = handClock();
let fake: FakeRcms;
let receiver: Receiver;
let network: Network;

beforeAll(async () => {
  fake = await startFakeRcms({ clock });
});
afterAll(() => fake.close());
beforeEach(async () => {
  receiver = await startReceiver();
  network = fake.createNetwork({ seed: { organizations: 1, clients: 1, staff: 1 } });
});
afterEach(() => receiver.close());

const clientId = () => String(network.truth().clients[0]?.id);
const publicDeliveries = async (id: string) => rows((await api(network, `/webhooks/${id}/deliveries`)).body);

describe("registration", () => {
  it("FK2 registering answers 201 with a secret that is never shown again", async () => {
    const json = { url: receiver.url, events: ["client.updated"], description: "ours" };
    const made = await api(network, "/webhooks", { json });
    expect(made.status).toBe(201);
    const { id, signing_secret, created_at, ...rest } = asObject(made.body.data);
    expect(rest).toEqual({ ...json, status: "active" });
    expect(id).toMatch(/^wh_\w+$/);
    expect(signing_secret).toMatch(/^whsec_[\w-]{20,}$/);
    expect(Date.parse(String(created_at))).toBe(clock());

    const shown = { id, ...json, status: "active", created_at };
    expect((await api(network, `/webhooks/${id}`)).body).toEqual({ data: shown });
    expect((await api(network, "/webhooks")).body.data).toEqual([shown]);
  });

  it.each([
    ["url", { url: "not a url", events: ["client.updated"] }],
    ["url", { url: "ftp://127.0.0.1/x", events: ["client.updated"] }],
    ["events", { url: "https://127.0.0.1/x", events: [] }],
    ["events", { url: "https://127.0.0.1/x", events: ["client.vanished"] }],
    ["events", { url: "https://127.0.0.1/x" }],
    ["description", { url: "https://127.0.0.1/x", events: ["client.updated"], description: 7 }],
  ])("FK2 a bad %s is a 400 that names it (%j)", async (field, json) => {
    const { status, body } = await api(network, "/webhooks", { json });
    expect(status).toBe(400);
    expect(asObject(body.error).field).toBe(field);
    expect(network.parts.webhooks.all()).toEqual([]);
  });

  it("FK2 a deleted webhook is gone and hears nothing more", async () => {
    const { id } = await register(network, receiver.url, ["client.updated"]);
    expect((await api(network, `/webhooks/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await api(network, `/webhooks/${id}`)).status).toBe(404);
    network.world.updateClient(clientId());
    await network.idle();
    expect(receiver.arrivals).toEqual([]);
  });
});

describe("delivery", () => {
  it.each([
    ["", "f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd"],
    ['{"obj1":"hello","obj2":"world"}', "bebb1a643997f419b315ddba19e6f5411e1ce7f810ba6d3617ce72823092f363"],
    ["😀", "837da296d05c4fe31f61d5d7ead035099d9585a5bcde87de952012a78f0b0c43"],
  ])("FK2 the HMAC of %j has its published value", (message, hex) => {
    expect(hmacHex("test_secret", message)).toBe(hex);
  });

  it("FK2 the whole secret text is the key, prefix included", () => {
    const [, v1] = signatureHeader("whsec_abc", 1_767_225_600, "{}").split(",v1=");
    expect(v1).toBe(createHmac("sha256", "whsec_abc").update("1767225600.{}").digest("hex"));
    expect(v1).not.toBe(createHmac("sha256", "abc").update("1767225600.{}").digest("hex"));
  });

  it("FK2 a delivery is a signed POST of the envelope, verifiable from its raw bytes alone", async () => {
    const { secret } = await register(network, receiver.url, ["client.discharged"]);
    const change = network.world.dischargeClient(clientId());
    const [arrival] = await receiver.arrived(1);
    expect(arrival?.method).toBe("POST");
    expect(arrival?.headers["content-type"]).toBe("application/json");
    expect(arrival?.headers["user-agent"]).toBe("RCMS-Webhooks/1.0");
    expect(arrival?.headers["x-rcms-event-id"]).toBe(change.event_id);
    expect(arrival?.event).toEqual({
      id: change.event_id,
      type: "client.discharged",
      created_at: new Date(clock()).toISOString(),
      organization_id: change.record?.organization_id,
      data: { client_id: change.id, client_uuid: change.record?.client_uuid, status: "discharged" },
    });

    const header = /^t=(\d{10}),v1=([0-9a-f]{64})$/.exec(String(arrival?.headers["x-rcms-signature"]));
    expect(header?.[1]).toBe(String(Math.floor(clock() / 1000)));
    const expected = createHmac("sha256", secret).update(`${header?.[1]}.${arrival?.text}`).digest();
    expect(timingSafeEqual(expected, Buffer.from(header?.[2] ?? "", "hex"))).toBe(true);
  });

  it("FK2 each of the sixteen types is announced by its operation and carries the id to fetch", async () => {
    await register(network, receiver.url, [...EVENT_TYPES]);
    const { world } = network;
    const id = clientId();
    const staff = world.createStaff();
    const organization = world.createOrganization();
    const enrolled = world.enrolClient();
    for (const act of [
      world.updateClient,
      world.dischargeClient,
      world.readmitClient,
      world.markIntakeIncomplete,
    ])
      act(id);
    world.scheduleAssessment(id);
    world.assessmentDueSoon(id);
    world.assessmentOverdue(id);
    for (const act of [world.submitAssessment, world.scoreAssessment, world.lockAssessment]) act(id);
    world.updateStaff(staff.id);
    world.deactivateStaff(staff.id);
    world.updateOrganization(organization.id);

    await receiver.arrived(16);
    await network.idle();
    expect(receiver.arrivals.map(({ event }) => String(event.type)).sort()).toEqual([...EVENT_TYPES].sort());
    for (const { event } of receiver.arrivals) {
      const data = asObject(event.data);
      const [noun] = String(event.type).split(".");
      if (noun === "staff") expect(data.staff_id).toBe(staff.id);
      else if (noun === "organization") expect(data.organization_id).toBe(organization.id);
      else expect(data.client_id).toBe(event.type === "client.enrolled" ? enrolled.id : id);
      if (noun === "assessment") expect(data.assessment_id).toMatch(/^asmt_/);
    }
  });

  it("FK2 a scored event carries what the documentation shows", async () => {
    await register(network, receiver.url, ["assessment.scored"]);
    network.world.submitAssessment(clientId());
    const { record } = network.world.scoreAssessment(clientId());
    const [arrival] = await receiver.arrived(1);
    const { last_assessment_id, client_id, assessment_number, submitted_at } = asObject(record);
    const { positive_score, negative_score, overall_score, engagement_score } = asObject(record);
    expect(positive_score).toEqual(expect.any(Number));
    const scores = { positive_score, negative_score, overall_score, engagement_score };
    const about = { assessment_id: last_assessment_id, client_id, assessment_number, submitted_at };
    expect(arrival?.event.data).toEqual({ ...about, ...scores });
  });

  it("FK2 only the events a webhook asked for are sent, and a silent change announces nothing", async () => {
    await register(network, receiver.url, ["staff.updated"]);
    network.world.updateClient(clientId());
    network.world.changeSilently("staff", String(network.truth().staff[0]?.id), { role: "nurse" });
    const { event_id } = network.world.updateStaff(String(network.truth().staff[0]?.id));
    await network.idle();
    expect(receiver.arrivals.map(({ event }) => event.id)).toEqual([event_id]);
  });

  it("FK2 the test route sends webhook.test, subscribed or not", async () => {
    const { id } = await register(network, receiver.url, ["staff.updated"]);
    const answer = await api(network, `/webhooks/${id}/test`, { method: "POST" });
    expect(answer.status).toBe(202);
    const [arrival] = await receiver.arrived(1);
    expect(arrival?.event).toMatchObject({
      id: asObject(answer.body.data).event_id,
      type: "webhook.test",
      data: { webhook_id: id },
    });
  });

  it("FK2 deliveries lists the last hundred, newest first, with what became of them", async () => {
    const { id } = await register(network, receiver.url, ["client.updated"]);
    const changes = Array.from({ length: 103 }, () => network.world.updateClient(clientId()));
    await network.idle();
    const listed = await publicDeliveries(id);
    expect(listed.map((each) => each.event_id)).toEqual(
      changes
        .slice(3)
        .reverse()
        .map((each) => each.event_id),
    );
    const now = new Date(clock()).toISOString();
    expect(listed[0]).toEqual({
      id: expect.stringMatching(/^dlv_/),
      event_id: changes.at(-1)?.event_id,
      event_type: "client.updated",
      status: "delivered",
      response_code: 200,
      attempt_count: 1,
      created_at: now,
      last_attempt_at: now,
      next_attempt_at: null,
    });
  });
});

describe("idempotency", () => {
  const json = () => ({ url: receiver.url, events: ["client.updated"], description: "once" });

  it("FK2 the same Idempotency-Key returns the first answer byte for byte for 24 hours, then acts anew", async () => {
    const headers = { "Idempotency-Key": "k1" };
    const first = await api(network, "/webhooks", { json: json(), headers });
    const again = await api(network, "/webhooks", { json: json(), headers });
    expect(again.status).toBe(201);
    expect(again.text).toBe(first.text);
    expect(network.parts.webhooks.all()).toHaveLength(1);

    clock.advance(24 * 3_600_000);
    const later = await api(network, "/webhooks", { json: json(), headers });
    expect(asObject(later.body.data).id).not.toBe(asObject(first.body.data).id);
  });

  it("FK2 another Idempotency-Key or another API key acts for itself", async () => {
    for (const [name, key] of [
      ["k1", network.apiKey],
      ["k2", network.apiKey],
      ["k1", network.createKey()],
    ] as const)
      await api(network, "/webhooks", { json: json(), key, headers: { "Idempotency-Key": name } });
    expect(network.parts.webhooks.all()).toHaveLength(3);
  });

  it("FK2 a write whose answer was lost is not done twice when repeated with its key", async () => {
    network.patchSettings({ fail_next: [{ status: 0, applied: true }] });
    const headers = { "Idempotency-Key": "k1" };
    await expect(api(network, "/webhooks", { json: json(), headers })).rejects.toThrow();
    const { status, body } = await api(network, "/webhooks", { json: json(), headers });
    expect(status).toBe(201);
    expect(network.parts.webhooks.all().map((each) => each.id)).toEqual([asObject(body.data).id]);
  });
});
