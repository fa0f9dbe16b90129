// The typed client against the real worker: what compiles works, and what would not work does not compile.

import { expect, it } from "vitest";
import { ADMIN_TOKEN } from "../support/bindings.ts";
import { ago, isolateTests } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";
import { createUpstream, UPSTREAM, UPSTREAM_KEY } from "../support/upstream.ts";
import { createClient } from "./client.ts";

isolateTests();

async function setUp() {
  const upstream = createUpstream();
  upstream.install();
  upstream.put("clients", { id: "client_1", organization_id: "org_1", updated_at: ago(900) });
  upstream.put("clients", { id: "client_2", organization_id: "org_1", updated_at: ago(800) });
  const mirror = createMirror();
  const clientOf = (token: string) =>
    createClient({
      baseUrl: "https://mirror.test",
      token,
      fetch: (url, init) => mirror.fetch(url.replace("https://mirror.test", ""), init),
    });
  const operator = clientOf(ADMIN_TOKEN);
  const id = newConnectionId();
  const account = { base_url: UPSTREAM, api_key: UPSTREAM_KEY };
  const webhook = { signing_secret: secretOf(id) };
  const made = await operator("POST /admin/connections", {
    body: { id, source: "rcms", ...account, webhook },
  });
  expect(made.status).toBe(201);
  const key = await operator("POST /admin/keys", { body: { connection: id, name: "typed" } });
  if (key.status !== 201) throw new Error(`no key: ${key.status}`);
  return { mirror, id, operator, app: clientOf(key.data.data.key) };
}

it("OA1 the typed client connects, reads, pages and is told what is wrong, by type", async () => {
  const { id, operator, app } = await setUp();
  for (const client of ["client_1", "client_2"]) {
    const one = await app("GET /v1/clients/{id}", { path: { id: client } });
    if (one.status !== 200) throw new Error(`${client} was answered ${one.status}`);
    const organization: string | number | null | undefined = one.data.data.organization_id;
    expect([one.data.data.id, organization]).toEqual([client, "org_1"]);
    expect(one.headers.get("mirror-seq")).toMatch(/^\d+$/);
  }
  const first = await app("GET /v1/clients", { query: { limit: 1, updated_after: "2020-01-01" } });
  if (first.status !== 200) throw new Error(`the list was answered ${first.status}`);
  const cursor = new URL(first.data.meta.next_url ?? "").searchParams.get("cursor") ?? "";
  const second = await app("GET /v1/clients", { query: { limit: 1, cursor } });
  expect(second.status === 200 && second.data.data.map((client) => client.id)).toEqual(["client_2"]);

  const absent = await app("GET /v1/clients/{id}", { path: { id: "client_9" } });
  if (absent.status !== 404) throw new Error(`an absent client was answered ${absent.status}`);
  const code: "not_found" = absent.data.error.code;
  expect(code).toBe("not_found");

  const view = await operator("GET /admin/connections/{id}", { path: { id } });
  expect(view.status === 200 && view.data.data.kinds.clients.records).toBe(2);
});

it("OA1 the typed client acknowledges reminders, and holds the document it is made from", async () => {
  const { id, mirror, app } = await setUp();
  const due = event("assessment.due_soon", { client_id: "client_1" });
  await mirror.deliver(id, due);
  await mirror.drain();
  const acknowledged = await app("POST /v1/reminders/{id}/ack", { path: { id: due.id } });
  expect(acknowledged.status === 200 && acknowledged.data.data.status).toBe("acknowledged");
  const document = await app("GET /openapi.json");
  const etag = document.headers.get("etag") ?? "";
  const again = await app("GET /openapi.json", { headers: { "If-None-Match": etag } });
  expect([document.status, again.status, again.data]).toEqual([200, 304, undefined]);
});

it("OA1 what the document does not have does not compile, and is refused", async () => {
  const { app, operator } = await setUp();
  const refused = [
    // @ts-expect-error: no such parameter
    await app("GET /v1/clients", { query: { updated_before: "2020-01-01" } }),
    // @ts-expect-error: not a status of reminders
    await app("GET /v1/reminders", { query: { status: "done" } }),
    // @ts-expect-error: a required field is missing
    await app("POST /v1/logins", { body: { user_id: "u" } }),
    // @ts-expect-error: a body is required
    await operator("POST /admin/keys"),
  ];
  expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
  // @ts-expect-error: no such route
  expect((await app("GET /v1/invoices")).status).toBe(404);
  const list = await app("GET /v1/clients");
  // @ts-expect-error: only a 200 has a list
  expect(list.data.meta).toMatchObject({ next_url: null });
});
