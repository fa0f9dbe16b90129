// The admin port over HTTP: every route, and errors that name what was wrong.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { api, asObject, call, type Receiver, register, rows, startReceiver, until } from "./fixture.ts";
import type { Network } from "./network.ts";
import { type FakeRcms, startFakeRcms } from "./server.ts";

let fake: FakeRcms;
let receiver: Receiver;
let network: Network;

beforeAll(async () => {
  fake = await startFakeRcms();
});
afterAll(() => fake.close());
beforeEach(async () => {
  receiver = await startReceiver();
  network = fake.createNetwork({ seed: { organizations: 2, staff: 3, clients: 5 } });
});
afterEach(() => receiver.close());

const admin = (path: string, json?: unknown, method?: string) =>
  call(`${fake.adminUrl}/networks/${network.id}${path}`, {
    ...(json === undefined ? {} : { json }),
    ...(method === undefined ? {} : { method }),
  });
const clientId = () => String(network.truth().clients[0]?.id);

describe("networks", () => {
  it("FK5 a network is created with settings and a seed, found, listed and removed", async () => {
    const json = { settings: { page_size: 2 }, seed: { organizations: 1, staff: 2, clients: 3 } };
    const made = await call(`${fake.adminUrl}/networks`, { json });
    expect(made.status).toBe(201);
    const { id, api_key, base_url } = made.body;
    expect(base_url).toBe(fake.url);
    const page = await call(`${base_url}/clients`, { key: String(api_key) });
    expect(rows(page.body)).toHaveLength(2);

    const url = `${fake.adminUrl}/networks/${id}`;
    expect((await call(url)).body).toEqual(made.body);
    expect((await call(`${fake.adminUrl}/networks`)).body.networks).toContainEqual(made.body);
    expect((await call(url, { method: "DELETE" })).status).toBe(204);
    expect((await call(url)).status).toBe(404);
    expect((await call(`${base_url}/clients`, { key: String(api_key) })).status).toBe(401);
  });

  it.each([
    ["page_size", { settings: { page_size: 0 } }],
    ["colour", { settings: { colour: "red" } }],
    ["seed.clients", { seed: { clients: -1 } }],
    ["seed.dogs", { seed: { dogs: 1 } }],
    ["sed", { sed: {} }],
    ["id", { id: "a b" }],
  ])("FK5 a wrong %s is a 400 that names it and creates nothing", async (field, json) => {
    const before = fake.networks().length;
    const { status, body } = await call(`${fake.adminUrl}/networks`, { json });
    expect([status, asObject(body.error).field]).toEqual([400, field]);
    expect(fake.networks()).toHaveLength(before);
  });

  it("FK5 an id that is taken is a 409; unknown networks and routes are 404s", async () => {
    expect((await call(`${fake.adminUrl}/networks`, { json: { id: network.id } })).status).toBe(409);
    expect((await call(`${fake.adminUrl}/networks/nobody/truth`)).status).toBe(404);
    for (const path of ["/nothing", "/settings/x", "/keys/a/b/c"])
      expect((await admin(path)).status).toBe(404);
  });
});

describe("settings", () => {
  it("FK5 settings are read and changed, nested ones field by field", async () => {
    await admin("/settings", { deliver: { drop_rate: 0.25 }, latency_ms: [1, 2] }, "PATCH");
    const { body } = await admin("/settings");
    expect(body).toMatchObject({ latency_ms: [1, 2], deliver: { drop_rate: 0.25, duplicate_rate: 0 } });
    expect(body).toEqual(network.settings());
  });

  it.each([
    ["speling", { speling: 1 }],
    ["deliver.speed", { deliver: { speed: 1 } }],
    ["deliver.drop_rate", { deliver: { drop_rate: 2 } }],
    ["paging", { paging: "random" }],
    ["latency_ms", { latency_ms: [5, 1] }],
    ["fail_next[].stat", { fail_next: [{ stat: 500 }] }],
    ["rate_limited_until", { rate_limited_until: "soon" }],
    ["retry_speed", { retry_speed: 0 }],
    ["constructor", { constructor: 1 }],
  ])(
    "FK5 a wrong setting %s is a 400 that names it, and nothing of the patch is applied",
    async (field, patch) => {
      const before = network.settings();
      const { status, body } = await admin("/settings", { page_size: 7, ...patch }, "PATCH");
      expect([status, asObject(body.error).field]).toEqual([400, field]);
      expect(network.settings()).toEqual(before);
    },
  );
});

describe("keys, requests, webhooks and events", () => {
  it("FK5 keys are made with a scope, revoked and restored", async () => {
    const { body } = await admin("/keys", { scope: "client", id: clientId() });
    const key = String(body.key);
    const seen = async () => (await api(network, "/clients", { key })).status;
    expect(await seen()).toBe(200);
    expect((await admin(`/keys/${key}`, undefined, "DELETE")).status).toBe(204);
    expect(await seen()).toBe(401);
    expect((await admin(`/keys/${key}/restore`, undefined, "POST")).status).toBe(204);
    expect(await seen()).toBe(200);
    expect((await admin("/keys")).text).not.toContain(key);

    for (const [field, json] of [
      ["scope", { scope: "galaxy" }],
      ["id", { scope: "client" }],
    ] as const)
      expect(asObject((await admin("/keys", json)).body.error).field).toBe(field);
    expect((await admin("/keys/nobody", undefined, "DELETE")).status).toBe(404);
  });

  it("FK5 requests are recorded without keys or bodies, counted in flight per path, and cleared", async () => {
    const controller = new AbortController();
    const inFlight = (most: number) => until(() => network.log.read().in_flight_max["/v1/clients"] === most);
    const hang = () => api(network, "/clients?limit=1", { signal: controller.signal });
    network.patchSettings({ fail_next: [{ hang: true }] });
    const hung = [hang()];
    await inFlight(1);
    await api(network, "/clients?limit=1");
    expect(network.log.read().in_flight_max["/v1/clients"]).toBe(2);
    network.patchSettings({ fail_next: [{ hang: true }, { hang: true }] });
    hung.push(hang(), hang());
    await inFlight(3);
    controller.abort();
    await Promise.allSettled(hung);
    await until(() => network.log.read().requests.every((each) => each.status !== null));
    await api(network, "/clients/nobody");
    await register(network, receiver.url, ["client.updated"]);
    const { body, text } = await admin("/requests");
    const requests = Array.isArray(body.requests) ? body.requests : [];
    expect(requests.map((each) => [each.path, each.status])).toEqual([
      ["/v1/clients?limit=1", 0],
      ["/v1/clients?limit=1", 200],
      ["/v1/clients?limit=1", 0],
      ["/v1/clients?limit=1", 0],
      ["/v1/clients/nobody", 404],
      ["/v1/webhooks", 201],
    ]);
    expect(requests.at(-1)).toMatchObject({
      method: "POST",
      path: "/v1/webhooks",
      status: 201,
      body_size: "under_1k",
    });
    expect(body.in_flight_max).toEqual({ "/v1/clients": 3, "/v1/clients/nobody": 1, "/v1/webhooks": 1 });
    expect(text).not.toContain(network.apiKey);
    expect(text).not.toContain("/hook");
    await admin("/requests", undefined, "DELETE");
    expect((await admin("/requests")).body).toEqual({ requests: [], in_flight_max: {} });
  });

  it("FK5 webhooks are shown with their secrets and can be disabled", async () => {
    const { id, secret } = await register(network, receiver.url, ["client.updated"]);
    expect((await admin("/webhooks")).body.webhooks).toMatchObject([
      { id, signing_secret: secret, status: "active" },
    ]);
    expect((await admin(`/webhooks/${id}/disable`, undefined, "POST")).body).toMatchObject({
      status: "disabled",
    });
    network.world.updateClient(clientId());
    await network.idle();
    expect(receiver.arrivals).toEqual([]);
    expect((await admin("/webhooks/nobody/disable", undefined, "POST")).status).toBe(404);
  });

  it("FK5 a hand-made event goes out signed as given, whatever its type, and can be redelivered", async () => {
    await register(network, receiver.url, ["client.updated"]);
    const event = {
      id: "evt_mine",
      type: "plan.updated",
      created_at: "2020-01-01T00:00:00Z",
      organization_id: 5,
    };
    expect((await admin("/events", { ...event, data: { x: 1 } })).body).toEqual({ event_id: "evt_mine" });
    await receiver.arrived(1);
    expect(receiver.arrivals[0]?.event).toEqual({ ...event, data: { x: 1 } });
    expect(receiver.arrivals[0]?.headers["x-rcms-signature"]).toMatch(/^t=\d{10},v1=[0-9a-f]{64}$/);

    expect((await admin("/redeliver", { event_id: "evt_mine" })).status).toBe(202);
    await receiver.arrived(2);
    expect(receiver.arrivals[1]?.text).toBe(receiver.arrivals[0]?.text);

    await admin("/events", { raw_body: "not json" });
    await receiver.arrived(3);
    expect(receiver.arrivals[2]?.text).toBe("not json");
    await network.idle();
    const { body } = await admin("/deliveries");
    const seen = Array.isArray(body.deliveries) ? body.deliveries.map((each) => each.status) : [];
    expect(seen).toEqual(["delivered", "delivered", "delivered"]);
  });

  it.each([
    ["/events", "type", { data: {} }, 400],
    ["/events", "typ", { typ: "x" }, 400],
    ["/events", "created_at", { type: "x", created_at: 5 }, 400],
    ["/redeliver", "event_id", {}, 400],
    ["/redeliver", "event_id", { event_id: "evt_none" }, 404],
    ["/changes", "body", "text", 400],
  ])("FK5 %s with a wrong %s is refused and named (%j)", async (path, field, json, expected) => {
    const { status, body } = await admin(path, json);
    expect([status, asObject(body.error).field]).toEqual([expected, field]);
  });

  it("FK5 a redelivery repeats the event to its subscribers only", async () => {
    const other = await startReceiver();
    await register(network, receiver.url, ["client.updated"]);
    await register(network, other.url, ["staff.updated"]);
    const { event_id } = network.world.updateClient(clientId());
    await admin("/redeliver", { event_id });
    await receiver.arrived(2);
    await network.idle();
    expect(receiver.arrivals.map(({ event }) => event.id)).toEqual([event_id, event_id]);
    expect(other.arrivals).toEqual([]);
    await other.close();
  });

  it("FK5 what is due by the clock can be sent at once", async () => {
    receiver.answerWith(500);
    await register(network, receiver.url, ["client.updated"]);
    network.world.updateClient(clientId());
    await network.idle();
    expect((await admin("/deliveries/send-due", undefined, "POST")).body).toEqual({ sent: 0 });
    network.patchSettings({ clock_skew_ms: 30_000 });
    expect((await admin("/deliveries/send-due", undefined, "POST")).body).toEqual({ sent: 1 });
    await receiver.arrived(2);
  });

  it("FK5 closing ends at once with retries, hung requests and slow answers under way", async () => {
    const own = await startFakeRcms();
    const busy = own.createNetwork({ seed: { clients: 1 }, settings: { fail_next: [{ hang: true }] } });
    receiver.answerWith(null);
    const hung = expect(api(busy, "/clients")).rejects.toThrow();
    await register(busy, receiver.url, ["client.updated"]);
    busy.world.updateClient(String(busy.truth().clients[0]?.id));
    await receiver.arrived(1);
    await own.close();
    await hung;
    await expect(fetch(own.adminUrl)).rejects.toThrow();
  });
});
