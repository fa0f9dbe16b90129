// A canary of its own in every private place, each thing the worker can do done once, and then a search through
// everything it wrote, sent, kept or answered: each canary is exactly where it may be, and nowhere else.

import { createScheduledController } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/api/openapi.ts";
import worker from "../../src/index.ts";
import { ago, isolateTests, logged, passSeconds } from "../support/each-test.ts";
import { EVENT_TYPES, event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem, UPSTREAM, UPSTREAM_KEY } from "../support/upstream.ts";
import { found, inKv, inObjects, inTables, MARK } from "./canary-marks.ts";

isolateTests();

const mirror = createMirror();
const upstream = createUpstream();
const id = newConnectionId();
const at = `/admin/connections/${id}`;
const said = { logs: [] as string[], views: [] as string[], errors: [] as string[], queued: [] as unknown[] };
let own: Awaited<ReturnType<typeof mirror.key>>;
let signing = "";

const person = (name: string, seconds = 5) => ({
  ...{ id: name, organization_id: "org_1", client_id: name, updated_at: ago(seconds), status: "active" },
  ...{ first_name: MARK.record, [MARK.record]: { address: [MARK.record] } },
});

async function view(response: Promise<Response>): Promise<number> {
  const { status, headers } = await response.then((answer) => answer);
  const text = `${await (await response).text()} ${JSON.stringify([...headers])}`;
  (status >= 400 ? said.errors : said.views).push(text);
  return status;
}
const order = (method: string, path: string, json?: unknown) =>
  view(mirror.admin(path, { method, ...(json === undefined ? {} : { body: JSON.stringify(json) }) }));

/** The budget comes back: a call that waited for it would wait on the wall clock. */
const rest = () => passSeconds(300);

/** Everything queued, through the consumers, until nothing is left. */
async function drain(attempts = 1): Promise<void> {
  for (let turn = 0; turn < 20 && mirror.events.length + mirror.jobs.length > 0; turn++) {
    rest();
    const [events, jobs] = [mirror.events.splice(0), mirror.jobs.splice(0)];
    said.queued.push(...events, ...jobs);
    await mirror.consume(
      "mirror-jobs",
      jobs.map((body) => ({ body, attempts })),
    );
    await mirror.consume(
      "mirror-events",
      events.map((body) => ({ body, attempts })),
    );
  }
  const access = mirror.access.splice(0);
  said.queued.push(...access);
  if (access.length > 0)
    await mirror.consume(
      "mirror-access",
      access.map((body) => ({ body })),
    );
  said.logs.push(...logged());
}

const tick = (cron = "*/15 * * * *") => worker.scheduled(createScheduledController({ cron }), mirror.env);

const FAULTS = [
  () => problem(500, { "x-detail": MARK.failure }),
  () => problem(403),
  () => new Response(MARK.failure, { status: 422, statusText: MARK.failure }),
  () => new Response(`{"data": "${MARK.failure}`),
  () => Response.json([{ id: MARK.failure }]),
  () => new Response(null, { status: 302, headers: { location: `https://${MARK.failure}.test/` } }),
  () => {
    throw new TypeError(`${MARK.failure}: connection reset`);
  },
];

async function everyEvent(): Promise<void> {
  for (const [type, kind, field] of EVENT_TYPES) {
    const name = `${kind === "reminders" ? "clients" : kind}_1`.replace("assessment-status", "clients");
    const private_ = kind === "reminders" ? MARK.reminder : MARK.thin;
    await mirror.deliver(
      id,
      event(type, { [field]: name, note: private_, deep: { note: private_ } }),
      signing,
    );
  }
  await mirror.deliver(id, event("plan.updated", { note: MARK.thin }), signing);
  await mirror.deliver(id, `{"id":"evt_unusable","type":"client.updated","data":"${MARK.thin}"}`, signing);
  await mirror.deliver(id, MARK.thin, signing);
  expect(await view(mirror.deliver(id, event("client.updated", {}), `whsec_${MARK.signing}_wrong`))).toBe(
    401,
  );
  await drain();
}

async function everyFailure(): Promise<void> {
  for (const [i, fault] of FAULTS.entries()) {
    upstream.state.fault = fault;
    await mirror.deliver(
      id,
      event("client.updated", { client_id: `failing_${i}`, note: MARK.thin }),
      signing,
    );
    await drain(90);
    rest();
    await view(own.get(`/v1/clients/asked_${i}`));
    rest();
    await order("POST", `${at}/sweep`, {});
    rest();
    await order("POST", `${at}/deliveries`);
    rest();
    await tick();
    rest();
    await drain(90);
    rest();
  }
  await givenUp();
  upstream.state.fault = undefined;
}

/** By the queue itself, a reminder among them. */
async function givenUp(): Promise<void> {
  const reminder = event("assessment.overdue", { client_id: "clients_1", note: MARK.reminder });
  await mirror.deliver(id, reminder, signing);
  const rubbish = [{ [MARK.thin]: MARK.thin }, MARK.thin];
  const given = [...mirror.events.splice(0), ...rubbish];
  await mirror.consume(
    "mirror-dead-letters",
    given.map((body) => ({ body })),
  );
  await mirror.consume(
    "mirror-events",
    rubbish.map((body) => ({ body })),
  );
}

async function everyOrder(): Promise<void> {
  await order("POST", `${at}/secrets`, { signing_secret: `whsec_${MARK.signing}_two` });
  await order("POST", `${at}/secrets`, { signing_secret: `${MARK.signing} with a space` });
  await order("POST", "/admin/connections", { id, api_key: `${MARK.signing} `, note: MARK.record });
  await order("POST", `${at}/resume`, { api_key: UPSTREAM_KEY });
  await order("POST", `${at}/rebuild`, {});
  await drain();
  await order("POST", "/admin/dead-letters/replay");
  await drain();
  await view(own.get("/v1/logins", { json: { user_id: MARK.user, client_id: "clients_1" } }));
  await view(own.get("/v1/logins", { json: { user_id: MARK.user, client_id: `${MARK.user} none` } }));
  await drain();
  await order("PUT", `${at}/fields`, { fields: { staff: ["status", "updated_at"] } });
  await drain();
  await order("DELETE", `${at}/clients/client_to_forget`);
  await tick("17 3 * * *");
  await tick();
  await drain();
}

async function workingDay(): Promise<void> {
  upstream.install();
  for (const kind of ["organizations", "staff", "clients"] as const) upstream.put(kind, person(`${kind}_1`));
  upstream.put("clients", person("client_to_forget"));
  upstream.putStatus("clients_1", person("clients_1"));
  const account = { source: "rcms", base_url: UPSTREAM, api_key: UPSTREAM_KEY };
  const webhook = { public_url: "https://mirror.test" };
  expect(await order("POST", "/admin/connections", { id, ...account, webhook })).toBe(201);
  signing = [...upstream.webhooks.values()][0]?.signing_secret ?? "";
  own = await mirror.key(id, { name: MARK.keyName });
  MARK.appKey = own.key.slice(4);
  await drain();
  await everyEvent();
  await everyFailure();
  await everyOrder();
  await givenUp();
  for (const [path, { get }] of Object.entries(openApiDocument().paths)) {
    if (get !== undefined && path.startsWith("/admin/")) await order("GET", path.replace("{id}", id));
  }
  await view(mirror.fetch("/healthz"));
  said.logs.push(...logged());
}

describe("after a day on which everything happens", () => {
  it("PR1 each canary is exactly where it may be: in rows of the database, in a reminder's message, in its reader's answers", async () => {
    await workingDay();
    const { logs, errors, views, queued } = said;
    // It was a full day.
    expect([logs.length > 10, errors.length > 15, views.length > 20, queued.length > 40]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(await (await own.get("/v1/clients/clients_1")).text()).toContain(MARK.record);
    expect(await (await own.get("/v1/reminders")).text()).toContain(MARK.reminder);

    expect(found(logs.map((line) => ["log", line]))).toEqual([]);
    expect(found(errors.map((text) => ["error", text]))).toEqual([]);
    // The operator named the key.
    expect(new Set(found(views.map((text) => ["view", text])))).toEqual(new Set(["view: keyName"]));
    const messages = queued.map((body) => JSON.stringify(body));
    const reminders = messages.filter((text) => text.includes('"is":"record"'));
    expect(new Set(found(reminders.map((text) => ["reminder", text])))).toEqual(
      new Set(["reminder: reminder"]),
    );
    expect(
      found(messages.filter((text) => !reminders.includes(text)).map((text) => ["queue", text])),
    ).toEqual([]);
    expect(found(upstream.asked.map(({ method, path }) => ["url", `${method} ${path}`]))).toEqual([]);
    expect(await inTables()).toEqual([
      "api_keys.name: keyName",
      "backfills.user_id: user",
      "dead_letters.message: reminder",
      "records.body: record",
      "records.body: reminder",
    ]);
    expect(await inObjects()).toEqual([]);
    expect(await inKv()).toEqual([]);
    expect(await inForeignAnswers()).toEqual([]);
  }, 120_000);
});

/** What keys of another connection and of another organization are shown on every route that reads. */
async function inForeignAnswers(): Promise<string[]> {
  // Its own upstream has nothing of this.
  upstream.state.fault = () => problem(404);
  const other = newConnectionId();
  await mirror.connect(other);
  const texts: [string, string][] = [];
  for (const { get } of [await mirror.key(other), await mirror.key(id, { organizations: ["org_9"] })]) {
    for (const [path, methods] of Object.entries(openApiDocument().paths)) {
      if (!path.startsWith("/v1/") || methods.get === undefined) continue;
      for (const name of ["clients_1", "staff_1", "organizations_1"]) {
        const response = await get(path.replace("{id}", name));
        texts.push([path, `${await response.text()} ${JSON.stringify([...response.headers])}`]);
      }
    }
  }
  expect(texts.length).toBeGreaterThan(50);
  return found(texts);
}
