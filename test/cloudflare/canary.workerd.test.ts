// Canaries: recognisable text in every place that is private, a whole working day with everything that can go
// wrong, and then a search through all that leaves the worker other than by its intended way.

import { createScheduledController } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/index.ts";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, logged, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

const CANARY = "CANARY";
const upstreamKey = `${CANARY}-upstream-key`;
const secrets = [`whsec_${CANARY}_1`, `whsec_${CANARY}_2`];
const adminToken = `${CANARY}-admin-token-0123456789`;

/** A record with something private in every field, ids and instants excepted. */
function person(id: string, seconds: number) {
  const names = ["first_name", "last_name", "email", "phone", "status", "notes", "unknown"];
  const fields = Object.fromEntries(names.map((name) => [name, `${CANARY} ${name}`]));
  const nested = { address: { street: `${CANARY} street`, [`${CANARY}_key`]: [CANARY] } };
  return { id, organization_id: "org_1", updated_at: ago(seconds), ...fields, ...nested };
}

const faults = [
  () => problem(500, { "x-detail": CANARY }),
  () => new Response(`<html>${CANARY}</html>`, { status: 503, statusText: CANARY }),
  () => new Response(`{"data": ${CANARY}`),
  () => new Response(null, { status: 302, headers: { location: `https://${CANARY}.test/` } }),
  () => Response.json({ data: { first_name: CANARY } }),
  () => {
    throw new TypeError(`${CANARY}: connection reset`);
  },
  () => problem(403),
];

async function workingDay() {
  const upstream = createUpstream();
  upstream.state.key = upstreamKey;
  upstream.install();
  const spoken: string[] = [];
  for (const level of ["log", "debug", "trace"] as const) {
    vi.spyOn(console, level).mockImplementation((...args) => void spoken.push(JSON.stringify(args)));
  }
  const mirror = createMirror({ ADMIN_TOKEN: adminToken });
  const admin = mirror.as(adminToken);
  const id = newConnectionId();
  const errors: string[] = [];
  const views: string[] = [];
  const queued: unknown[] = [];
  const note = async (response: Response) => {
    if (response.status >= 400) errors.push(await response.text());
    return response.status;
  };

  const webhook = { signing_secret: secrets[0] };
  const connection = {
    id,
    source: "rcms",
    base_url: "https://upstream.test/v1",
    api_key: upstreamKey,
    webhook,
  };
  await note(await admin("/admin/connections", { json: { ...connection, extra: CANARY, name: CANARY } }));
  expect(await note(await admin("/admin/connections", { json: connection }))).toBe(201);
  await note(await admin("/admin/connections", { json: connection }));
  await note(await admin(`/admin/connections/${id}/secrets`, { json: { signing_secret: secrets[1] } }));
  const minted = await admin("/admin/keys", { json: { connection: id, name: "an app" } });
  const { key } = (await minted.json<{ data: { key: string } }>()).data;
  const scoped = await admin("/admin/keys", {
    json: { connection: id, name: "b", organizations: ["org_9"] },
  });
  const { key: foreignKey } = (await scoped.json<{ data: { key: string } }>()).data;

  const drain = async () => {
    queued.push(...mirror.events, ...mirror.jobs);
    await mirror.consume(
      "mirror-jobs",
      mirror.jobs.splice(0).map((body) => ({ body })),
    );
    await mirror.drain();
  };
  const deliver = async (sent: unknown, secret = secrets[0]) => note(await mirror.deliver(id, sent, secret));
  const changed = (client: string) => event("client.updated", { ...person("x", 5), client_id: client });

  upstream.put("clients", person("client_1", 5));
  upstream.put("staff", person("staff_1", 5));
  upstream.putStatus("client_1", person("status_1", 5));
  await drain();
  await deliver(changed("client_1"));
  await deliver(event("staff.updated", { ...person("x", 5), staff_id: "staff_1" }), secrets[1]);
  await deliver(event("assessment.scored", { ...person("x", 5), client_id: "client_1" }));
  await deliver(
    event("assessment.overdue", { client_id: "client_1", note: CANARY }, { id: `evt_due_${id}` }),
  );
  await drain();
  await deliver(changed("client_1"), `whsec_${CANARY}_wrong`);
  await deliver(event(`${CANARY}.type`, { client_id: "client_1" }));
  await deliver(event("client.updated", { client_id: `${CANARY} no id` }));
  await deliver(`${CANARY} no JSON`);
  await drain();
  for (const [i, fault] of faults.entries()) {
    upstream.state.fault = fault;
    await note(await mirror.as(key)(`/v1/clients/missing_${i}`));
    await deliver(changed(`failing_${i}`));
    queued.push(...mirror.events);
    const bodies = mirror.events.splice(0);
    await mirror.consume(
      "mirror-events",
      bodies.map((body) => ({ body, attempts: 90 })),
    );
    await mirror.consume(
      "mirror-dead-letters",
      bodies.map((body) => ({ body })),
    );
    await worker.scheduled(createScheduledController({ cron: "*/15 * * * *" }), mirror.env);
    await drain();
    passSeconds(600);
  }
  upstream.state.fault = undefined;
  upstream.state.key = "another";
  await deliver(changed("client_2"));
  await drain();
  await mirror.consume("mirror-events", [{ body: { [CANARY]: CANARY } }, { body: CANARY }]);

  for (const path of ["/v1/clients/client_1", `/v1/clients?cursor=${CANARY}%20`, `/v1/${CANARY}`]) {
    await note(await mirror.as(foreignKey)(path));
    await note(await mirror.as(`rmk_${CANARY}`)(path));
  }
  const away = () => {
    throw new TypeError(`near "${CANARY}": syntax error`);
  };
  const broken = createMirror({ ADMIN_TOKEN: adminToken, DB: { prepare: away, batch: away } });
  await note(await broken.as(adminToken)("/admin/keys"));
  await note(await broken.as(key)("/v1/clients"));
  await note(await broken.deliver(id, changed("client_1"), secrets[0]));
  await note(await createMirror({ SEALING_KEY: CANARY }).fetch("/healthz"));

  const paths = ["connections", `connections/${id}`, "keys", "events", "dead-letters"];
  for (const path of paths) views.push(await (await admin(`/admin/${path}`)).text());
  views.push(await (await mirror.fetch("/healthz")).text());
  views.push(JSON.stringify(upstream.asked.map(({ path }) => path)));
  for (const { name } of (await env.CURSORS.list()).keys)
    views.push(`${name} ${await env.CURSORS.get(name)}`);
  const served = await (await mirror.as(key)("/v1/clients/client_1")).text();
  return { logs: [...spoken, ...logged()], errors, views, queued, served, key };
}

describe("canaries", () => {
  it("PR1 nothing private is in a log, an error, an operator's view or a queue message", async () => {
    const { logs, errors, views, queued, served, key } = await workingDay();
    // The day was a full one, and its canaries were really there.
    expect(served).toContain(`${CANARY} first_name`);
    expect([logs.length > 10, errors.length >= 20, queued.length > 15]).toEqual([true, true, true]);
    expect(views.join()).toContain("failing_0");

    const reminders = queued.filter((body) => JSON.stringify(body).includes('"is":"record"'));
    expect(reminders.length).toBeGreaterThan(0);
    const others = queued.filter((body) => !reminders.includes(body)).map((body) => JSON.stringify(body));
    const leaks = [...logs, ...errors, ...views, ...others].filter((text) =>
      [CANARY, key.slice(4), "v1="].some((private_) => text.includes(private_)),
    );
    expect(leaks).toEqual([]);
  });
});
