// World operations asked for over the admin port, and the truth they leave behind.

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { ACTIONS } from "./changes.ts";
import { api, asObject, call, rows } from "./fixture.ts";
import type { Network } from "./network.ts";
import { type FakeRcms, startFakeRcms } from "./server.ts";

let fake: FakeRcms;
let network: Network;

beforeAll(async () => {
  fake = await startFakeRcms();
});
afterAll(() => fake.close());
beforeEach(() => {
  network = fake.createNetwork({ seed: { organizations: 2, staff: 3, clients: 5 } });
});

const admin = (path: string, json?: unknown) =>
  call(`${fake.adminUrl}/networks/${network.id}${path}`, json === undefined ? {} : { json });
const clientId = () => String(network.truth().clients[0]?.id);

it("FK5 every action can be asked for and answers with the record and the event", async () => {
  const ids: Record<string, string> = {
    organizations: String(network.truth().organizations[0]?.id),
    staff: String(network.truth().staff[0]?.id),
    clients: clientId(),
  };
  for (const action of ACTIONS) {
    const kind = /Organization/.test(action) ? "organizations" : /Staff/.test(action) ? "staff" : "clients";
    const silent = /ilent/.test(action);
    const id = /^(create|enrol)/.test(action) ? {} : { id: ids[kind] };
    const { status, body } = await admin("/changes", { action, ...id, ...(silent ? { kind } : {}) });
    expect([action, status]).toEqual([action, 200]);
    if (silent) expect(body.event_id).toBeNull();
    else expect(body.event_id).toMatch(/^evt_/);
    expect(body.record === null).toBe(action === "silentDelete");
  }
  expect(ACTIONS).toHaveLength(19);
});

it("FK5 a list of changes and a count of them are made in order", async () => {
  const id = clientId();
  const list = [
    { action: "updateClient", id, patch: { phone: "1" } },
    { action: "updateClient", id, patch: { phone: "2" } },
  ];
  const { body } = await admin("/changes", list);
  const phones = Array.isArray(body.changes) ? body.changes.map((each) => asObject(each.record).phone) : [];
  expect(phones).toEqual(["1", "2"]);
  expect(network.truth().clients.find((client) => client.id === id)?.phone).toBe("2");

  await admin("/changes", { action: "enrolClient", count: 30 });
  expect(network.truth().clients).toHaveLength(35);
  const bulk = await admin("/changes", { action: "dischargeClient", count: 35 });
  const changed = Array.isArray(bulk.body.changes) ? bulk.body.changes.map((each) => each.id) : [];
  expect(new Set(changed).size).toBe(35);
  expect(network.truth().clients.every((client) => client.status === "discharged")).toBe(true);
});

it.each([
  ["action", { action: "explode" }, 400],
  ["id", { action: "updateClient" }, 400],
  ["id", { action: "updateClient", id: "nobody" }, 404],
  ["patch", { action: "enrolClient", patch: [] }, 400],
  ["count", { action: "enrolClient", count: 0 }, 400],
  ["count", { action: "updateClient", count: 6 }, 400],
  ["kind", { action: "silentDelete", id: "x", kind: "dogs" }, 400],
  ["kid", { action: "enrolClient", kid: 1 }, 400],
])("FK5 a change with a wrong %s is refused and named (%j)", async (field, json, expected) => {
  const before = network.truth();
  const { status, body } = await admin("/changes", json);
  expect([status, asObject(body.error).field]).toEqual([expected, field]);
  expect(network.truth()).toEqual(before);
});

it("FK5 a deleted client is gone from the list, alone and in its status, and can be brought back as it was", async () => {
  const id = clientId();
  const { body } = await api(network, `/clients/${id}`);
  await admin("/changes", { action: "silentDelete", kind: "clients", id });
  expect((await api(network, `/clients/${id}`)).status).toBe(404);
  expect((await api(network, `/clients/${id}/assessment-status`)).status).toBe(404);
  expect(rows((await api(network, "/clients")).body).map((each) => each.id)).not.toContain(id);
  await admin("/changes", { action: "silentRestore", kind: "clients", id });
  expect((await api(network, `/clients/${id}`)).body).toEqual(body);
  expect((await api(network, `/clients/${id}/assessment-status`)).status).toBe(200);
});

it("FK5 truth states what the API will serve once everything is visible", async () => {
  network.patchSettings({ visibility_lag_ms: 60_000 });
  const { body } = await admin("/changes", { action: "dischargeClient", id: clientId() });
  const truth = (await admin("/truth")).body;
  expect(Object.keys(truth)).toEqual(["organizations", "staff", "clients", "assessment-status"]);
  expect(truth.clients).toContainEqual(body.record);
  expect(rows((await api(network, "/clients")).body)).not.toContainEqual(body.record);
});
