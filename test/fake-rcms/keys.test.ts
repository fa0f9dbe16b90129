// API keys: who is let in, and what each scope sees.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { api, asObject, call, type Receiver, register, rows, startReceiver } from "./fixture.ts";
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
  network = fake.createNetwork({ seed: { organizations: 2, staff: 4, clients: 6 } });
});
afterEach(() => receiver.close());

const ids = async (path: string, key: string) =>
  rows((await api(network, path, { key })).body).map((r) => r.id);
const idsOf = (kind: "organizations" | "staff" | "clients", organizationId?: unknown) =>
  network
    .truth()
    [kind].filter((each) => organizationId === undefined || each.organization_id === organizationId)
    .map((each) => each.id);

it("FK4 a missing, unknown or differently presented key is a 401, whatever the path", async () => {
  for (const path of ["/clients", "/clients/x", "/webhooks", "/nothing"]) {
    const url = network.baseUrl + path;
    const answers = [
      await call(url),
      await call(url, { key: "rcms_test_unknown" }),
      await call(url, { headers: { Authorization: `Basic ${network.apiKey}` } }),
      await call(`${url}?api_key=${network.apiKey}`),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401, 401]);
    expect(answers.every((answer) => answer.text === answers[0]?.text)).toBe(true);
  }
});

it("FK4 a key looks like a sandbox key and opens its own network only", async () => {
  const other = fake.createNetwork({ seed: { clients: 2 }, settings: { seed: 9 } });
  expect(network.apiKey).toMatch(/^rcms_test_\w{20,}$/);
  const theirs = String(other.truth().clients[0]?.id);
  expect((await api(other, `/clients/${theirs}`)).status).toBe(200);
  expect((await api(network, `/clients/${theirs}`)).status).toBe(404);
  expect(await ids("/clients", other.apiKey)).toHaveLength(2);
});

it("FK4 a revoked key is a 401 from then on, until it is restored; other keys go on", async () => {
  const second = network.createKey();
  network.revokeKey(network.apiKey);
  expect((await api(network, "/clients")).status).toBe(401);
  expect((await api(network, "/clients", { key: second })).status).toBe(200);
  network.restoreKey(network.apiKey);
  expect((await api(network, "/clients")).status).toBe(200);
});

it("FK4 an organization key sees its organization, its staff and its clients, and nothing else exists", async () => {
  const [own, foreign] = idsOf("organizations");
  const key = network.createKey({ scope: "organization", id: String(own) });
  expect(await ids("/organizations", key)).toEqual([own]);
  expect((await ids("/staff", key)).sort()).toEqual(idsOf("staff", own).sort());
  expect((await ids("/clients", key)).sort()).toEqual(idsOf("clients", own).sort());

  const [ours] = idsOf("clients", own);
  const [theirs] = idsOf("clients", foreign);
  expect((await api(network, `/clients/${ours}/assessment-status`, { key })).status).toBe(200);
  for (const path of [
    `/organizations/${foreign}`,
    `/clients/${theirs}`,
    `/clients/${theirs}/assessment-status`,
  ]) {
    const hidden = await api(network, path, { key });
    const absent = await api(network, path.replace(/(org|client)_\w+/, "none"), { key });
    expect(hidden.status).toBe(404);
    expect(hidden.text).toBe(absent.text);
  }
});

it("FK4 a client key sees that client and its assessment status only", async () => {
  const [own, other] = idsOf("clients");
  const key = network.createKey({ scope: "client", id: String(own) });
  expect(await ids("/clients", key)).toEqual([own]);
  expect(await ids("/organizations", key)).toEqual([]);
  expect(await ids("/staff", key)).toEqual([]);
  expect((await api(network, `/clients/${own}/assessment-status`, { key })).status).toBe(200);
  for (const path of [`/clients/${other}`, `/clients/${other}/assessment-status`])
    expect((await api(network, path, { key })).status).toBe(404);
});

it("FK4 a narrower key's webhook hears of its own part only and is hidden from other narrow keys", async () => {
  const [own, foreign] = idsOf("organizations");
  const key = network.createKey({ scope: "organization", id: String(own) });
  const otherKey = network.createKey({ scope: "organization", id: String(foreign) });
  const { id } = await register(network, receiver.url, ["client.updated", "assessment.locked"], key);

  network.world.updateClient(String(idsOf("clients", foreign)[0]));
  network.world.lockAssessment(String(idsOf("clients", foreign)[0]));
  const heard = network.world.updateClient(String(idsOf("clients", own)[0]));
  await network.idle();
  expect(receiver.arrivals.map(({ event }) => event.id)).toEqual([heard.event_id]);

  const seenBy = async (each: string) => rows((await api(network, "/webhooks", { key: each })).body).length;
  expect([await seenBy(key), await seenBy(otherKey), await seenBy(network.apiKey)]).toEqual([1, 0, 1]);
  expect((await api(network, `/webhooks/${id}`, { method: "DELETE", key: otherKey })).status).toBe(404);
  expect(asObject((await api(network, `/webhooks/${id}`, { key })).body.data).status).toBe("active");
});
