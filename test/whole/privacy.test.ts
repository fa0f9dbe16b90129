// A run in which everything goes wrong that can, with a canary in every private place. Afterwards nothing of it is
// in what the worker logged, answered to operators and strangers, or asked RCMS for.

import { afterAll, beforeAll, expect, it } from "vitest";
import { call, type Reply } from "../fake-rcms/fixture.ts";
import { statusOfBegun } from "./begun.ts";
import { bytesIn, found, live, type Population, populate, WORD } from "./canaries.ts";
import { eventually } from "./eventually.ts";
import { asked, type Mirrored, mirror, newKey, untilDone, untilEqual } from "./mirrored.ts";
import { startWhole, type WholeSystem } from "./system.ts";

const SEED = { organizations: 2, staff: 2, clients: 6 };

let system: WholeSystem;
let mirrored: Mirrored;
let people: Population;
/** What the worker said to anyone but an app with a key. */
const said: string[] = [];

beforeAll(async () => {
  system = await startWhole();
  mirrored = await mirror(system, "private", { seed: SEED });
  people = populate(mirrored.network);
  await untilEqual(mirrored);
});
afterAll(() => system?.stop());

it("PR1 nothing private is in the log, an admin answer, an error, /healthz or a URL, whatever goes wrong", async () => {
  await untilDone(mirrored, live(mirrored.network, people));
  await untilEqual(mirrored);
  await failingUpstream();
  await hostileDeliveries();
  await wrongOrders();
  await lookAround();

  const secrets = [WORD, ...everySecret()];
  expect(found(said.join("\n"), secrets)).toEqual([]);
  expect(found(system.log(), secrets)).toEqual([]);
  expect(found(asked(mirrored.network).join("\n"), secrets)).toEqual([]);
  // Nothing was found because nothing was there? The record's own reader sees the canaries.
  expect((await mirrored.read(`/clients/${people.client}`)).text).toContain(WORD);
  expect(said.length).toBeGreaterThan(25);
  expect(system.log()).toContain('"event":"event_parked"');
});

it("PR2 no API key, signing secret or app key lies in the clear in what the worker keeps on disk", () => {
  const kept = bytesIn(system.folder);
  expect(kept).toContain(WORD);
  expect(found(kept, everySecret())).toEqual([]);
});

it("IN1 a delivery of any length is answered 413 before a megabyte of it was sent", async () => {
  // Not one byte more is ever sent: the answer cannot have waited for it.
  expect(await statusOfBegun(`${system.url}/hooks/${mirrored.id}`, 950_000)).toBe(413);
});

it("RD6 a key of another connection, or of another organization, reads nothing of this one", async () => {
  const other = await mirror(system, "other", { seed: SEED });
  const foreignKey = other.key;
  const [organization] = mirrored.network.parts.records.allNewest("organizations");
  expect(organization?.id).not.toBe(people.organization);
  const scope = { organizations: [String(organization?.id)] };
  const narrowKey = await newKey(mirrored.operator, mirrored.id, scope);

  const { client } = people;
  for (const key of [foreignKey, narrowKey]) {
    for (const kind of ["organizations", "staff", "clients", "reminders"])
      expect((await read(key, `/${kind}?limit=200`)).text).not.toContain(WORD);
    const pairs = [
      [`/organizations/${people.organization}`, `/organizations/${people.organization}x`],
      [`/staff/${people.staff}`, `/staff/${people.staff}x`],
      [`/clients/${client}`, `/clients/${client}x`],
      [`/clients/${client}/assessment-status`, `/clients/${client}x/assessment-status`],
      [`/clients?organization_id=${people.organization}`, `/clients?organization_id=org_nowhere`],
    ] as const;
    for (const [foreign, absent] of pairs)
      expect(await answerTo(key, foreign), foreign).toEqual(await answerTo(key, absent));
  }
  expect(await login(narrowKey, client)).toEqual(await login(narrowKey, `${client}x`));
});

/** Every kind of failure of RCMS's, and every way a message ends up parked. */
async function failingUpstream(): Promise<void> {
  const { network, operator, id } = mirrored;
  const { world } = network;
  for (const error_body of ["html", "text", "json"] as const) {
    network.patchSettings({ error_rate: 1, error_body });
    said.push((await operator.ask("POST", `/connections/${id}/sweep`, {})).text);
  }
  network.patchSettings({ error_rate: 0 });
  said.push((await operator.ask("POST", `/connections/${id}/resume`, {})).text);
  // Refused for good: parked.
  const path_contains = `/clients/${people.client}`;
  network.patchSettings({ fail_next: [403, 422].map((status) => ({ status, path_contains })) });
  world.updateClient(people.client, { phone: `${WORD}-parked` });
  await eventually(async () => expect((await operator.overview(id)).dead_letters).toBe(1));
  world.updateClient(people.client, { phone: `${WORD}-parked-too` });
  await eventually(async () => expect((await operator.overview(id)).dead_letters).toBe(2));
  network.sendEvent({ type: `plan.${WORD}`.toLowerCase(), data: { client_id: people.client, note: WORD } });
  network.sendEvent({ raw_body: `{"id":"evt_1","type":"client.updated","data":"${WORD}"}` });
  network.sendEvent({ raw_body: WORD });
  await eventually(async () => {
    const outcomes = (await operator.events(id)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(expect.arrayContaining(["unknown_type", "unusable", "parked"]));
  });
}

async function hostileDeliveries(): Promise<void> {
  const body = JSON.stringify({ id: "evt_x", type: "client.updated", data: { note: WORD } });
  const hook = (headers: Record<string, string>, text = body, connection = mirrored.id) =>
    fetch(`${system.url}/hooks/${connection}`, { method: "POST", headers, body: text });
  const signature = `t=${Math.floor(Date.now() / 1_000)},v1=${WORD}`;
  for (const answer of [
    await hook({}),
    await hook({ "x-rcms-signature": WORD }),
    await hook({ "x-rcms-signature": signature }),
    await hook({ "x-rcms-signature": signature, "content-encoding": "gzip" }),
    await hook({ "x-rcms-signature": signature }, WORD.repeat(60_000)),
    await hook({ "x-rcms-signature": signature }, body, "nobody"),
  ]) {
    expect(answer.status).toBeGreaterThanOrEqual(400);
    said.push(await answer.text(), JSON.stringify([...answer.headers]));
  }
}

/** Orders that cannot be followed, with something secret in each. */
async function wrongOrders(): Promise<void> {
  const { operator, network, id } = mirrored;
  const account = { source: "rcms", base_url: network.baseUrl, api_key: network.apiKey };
  const webhook = { public_url: system.url };
  const refused = [
    await operator.ask("POST", "/connections", { id, ...account, webhook }),
    await operator.ask("POST", "/connections", { id: `Bad ${WORD}`, ...account, webhook }),
    await operator.ask("POST", "/connections", { id: "x", ...account, api_key: `${WORD} \n`, webhook }),
    await operator.ask("POST", "/connections", {
      id: "x",
      ...account,
      webhook: { signing_secret: `${WORD} ` },
    }),
    await operator.ask("POST", "/connections", {
      id: "x",
      ...account,
      base_url: `http://${WORD}:${WORD}@x.test`,
    }),
    await operator.ask("POST", "/connections", {
      id: "x",
      ...account,
      api_key: `rcms_test_${WORD}`,
      webhook,
    }),
    await operator.ask("POST", `/connections/${id}/secrets`, { signing_secret: `${WORD} with a space` }),
    await operator.ask("POST", "/keys", { connection: "nobody", name: WORD }),
    await operator.ask("POST", "/keys", { connection: id, name: "x", organizations: [`${WORD} `] }),
    await operator.ask("POST", "/connections/nobody/sweep", {}),
    await operator.ask("POST", "/dead-letters/nobody/replay"),
    await call(`${system.url}/admin/connections`, { key: `${system.adminToken}x` }),
    await call(`${system.url}/v1/clients`, { key: `rmk_${WORD}` }),
  ];
  for (const { status, text, headers } of refused) {
    expect(status, text).toBeGreaterThanOrEqual(400);
    said.push(text, JSON.stringify([...headers]));
  }
  // What is valid and private is not told back either.
  const login = { user_id: `${WORD}-user`, client_id: people.client };
  said.push((await call(`${system.url}/v1/logins`, { key: mirrored.key, json: login })).text);
}

async function lookAround(): Promise<void> {
  const { operator, id } = mirrored;
  const routes = ["/connections", `/connections/${id}`, "/keys", "/events?limit=500", "/dead-letters"];
  for (const route of [...routes, `/connections/${id}/rebuild`])
    said.push((await operator.ask("GET", route)).text);
  for (const work of ["sweep", "rebuild", "deliveries"])
    said.push((await operator.ask("POST", `/connections/${id}/${work}`)).text);
  said.push((await operator.ask("POST", "/dead-letters/replay")).text);
  said.push((await call(`${system.url}/healthz`)).text);
}

/** Whole and without what any key begins with, so that a shortened one is found too. */
function everySecret(): string[] {
  const { network, key } = mirrored;
  const signing = network.parts.webhooks.all().map(({ signing_secret }) => signing_secret);
  return [network.apiKey, ...signing, key, system.adminToken].map((secret) =>
    secret.replace(/^[a-z]+_(test_)?/, ""),
  );
}

function read(key: string, path: string): Promise<Reply> {
  // One request id for all: it is the only thing that may tell two answers apart.
  return call(`${system.url}/v1${path}`, { key, headers: { "x-request-id": "same-for-all" } });
}

async function answerTo(key: string, path: string) {
  const { status, text, headers } = await read(key, path);
  // The clock goes on between two questions: an age a second more is a time to live a second less.
  const age = Number(headers.get("age"));
  const timeless = [...headers]
    .filter(([name]) => name !== "date" && name !== "age")
    .map(([name, value]) => [name, value.replace(/(?<=; ttl=)-?\d+/, (ttl) => String(Number(ttl) + age))]);
  return { status, text, headers: timeless };
}

async function login(key: string, client_id: string) {
  const headers = { "x-request-id": "same-for-all" };
  const { status, text } = await call(`${system.url}/v1/logins`, {
    key,
    headers,
    json: { user_id: "u", client_id },
  });
  return { status, text };
}
