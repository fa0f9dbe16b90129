// Connecting an upstream account, and letting go of it again.

import { describe, expect, it } from "vitest";
import { env, rowsOf, tableNames } from "../support/bindings.ts";
import { isolateTests } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";
import { createUpstream, problem, UPSTREAM, UPSTREAM_KEY } from "../support/upstream.ts";

isolateTests();

function setUp() {
  const upstream = createUpstream();
  upstream.install();
  return { upstream, mirror: createMirror(), id: newConnectionId() };
}

const request = (id: string, more: Record<string, unknown> = {}) => ({
  id,
  source: "rcms",
  base_url: UPSTREAM,
  api_key: UPSTREAM_KEY,
  webhook: { public_url: "https://mirror.example" },
  ...more,
});

/** Everything any table holds of a connection, the number its feed would go on from apart. */
async function rowsWith(id: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const table of (await tableNames()).filter((name) => name !== "seq_floors")) {
    const column = table === "connections" ? "id" : "connection_id";
    rows.push(...(await rowsOf(`SELECT * FROM ${table} WHERE ${column} = ?1`, id)));
  }
  return rows;
}

describe("connecting", () => {
  it("SUB1 registers the webhook by itself and answers with everything but the secret", async () => {
    const { upstream, mirror, id } = setUp();
    const response = await mirror.admin("/admin/connections", { json: request(id) });
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toEqual([
      201,
      {
        data: {
          id,
          status: "active",
          webhook_url: `https://mirror.example/hooks/${id}`,
          webhook_id: "wh_1",
        },
      },
    ]);
    const [registration] = upstream.asked;
    expect(registration).toMatchObject({ method: "POST", path: "/webhooks" });
    expect(registration?.idempotencyKey).toMatch(/^[\w-]{16,}$/);
    const { url, events } = JSON.parse(registration?.body ?? "") as { url: string; events: string[] };
    expect([url, events.length]).toEqual([`https://mirror.example/hooks/${id}`, 16]);
    expect(text).not.toContain("whsec_");
    const delivered = await mirror.deliver(id, event("webhook.test", {}), "whsec_upstream_1");
    expect(delivered.status).toBe(202);
  });

  it("SUB1 the events asked for are the events registered, and slashes do not double", async () => {
    const { upstream, mirror, id } = setUp();
    const webhook = { public_url: "https://mirror.example/some/path//", events: ["client.updated"] };
    const response = await mirror.admin("/admin/connections", { json: request(id, { webhook }) });
    expect(response.status).toBe(201);
    expect(upstream.webhooks.get("wh_1")).toMatchObject({
      url: `https://mirror.example/some/path/hooks/${id}`,
      events: ["client.updated"],
    });
  });

  it("SUB1 a webhook registered by hand needs no call upstream", async () => {
    const { upstream, mirror, id } = setUp();
    const webhook = { signing_secret: secretOf(id), webhook_id: "wh_by_hand" };
    const response = await mirror.admin("/admin/connections", { json: request(id, { webhook }) });
    expect(await response.json()).toMatchObject({ data: { webhook_id: "wh_by_hand", status: "active" } });
    expect(upstream.asked).toEqual([]);
    expect((await mirror.deliver(id, event("webhook.test", {}))).status).toBe(202);
  });

  it("SUB1 an id that is taken is 409, and the connection stays as it was", async () => {
    const { upstream, mirror, id } = setUp();
    await mirror.admin("/admin/connections", { json: request(id) });
    const again = await mirror.admin("/admin/connections", { json: request(id, { api_key: "another-key" }) });
    await expectError(again, 409, "conflict");
    expect(upstream.webhooks.size).toBe(1);
    expect((await mirror.deliver(id, event("webhook.test", {}), "whsec_upstream_1")).status).toBe(202);
  });

  it.each([
    ["401", () => problem(401)],
    ["403", () => problem(403)],
    ["422", () => problem(422)],
    ["404", () => problem(404)],
    ["500", () => problem(500)],
    ["a redirect", () => new Response(null, { status: 307, headers: { location: "https://evil.test/" } })],
    ["no secret", () => Response.json({ data: { id: "wh_1" } }, { status: 201 })],
    ["no JSON", () => new Response("created", { status: 201 })],
  ])("SUB1 an upstream that answers %s is 502 with a reason, and nothing is kept", async (_what, fault) => {
    const { upstream, mirror, id } = setUp();
    upstream.state.fault = fault;
    const response = await mirror.admin("/admin/connections", { json: request(id) });
    const error = await expectError(response, 502, "upstream_refused");
    expect(error.message).toMatch(/upstream/);
    expect(error.message).not.toMatch(/evil|upstream says no|created/);
    expect(await rowsWith(id)).toEqual([]);
    upstream.state.fault = undefined;
    expect((await mirror.admin("/admin/connections", { json: request(id) })).status).toBe(201);
  });

  it("SUB1 a crash after the upstream answered is repaired by asking again: one webhook", async () => {
    const { upstream, mirror, id } = setUp();
    upstream.state.fault = async (asked) => {
      await env.DB.prepare("ALTER TABLE signing_secrets RENAME TO away").run();
      upstream.state.fault = undefined;
      return asked.method === "GET" ? problem(500) : undefined;
    };
    const crashed = await mirror.admin("/admin/connections", { json: request(id) });
    await env.DB.prepare("ALTER TABLE away RENAME TO signing_secrets").run();
    await expectError(crashed, 500, "internal");
    const repaired = await mirror.admin("/admin/connections", { json: request(id) });
    expect(await repaired.json()).toMatchObject({ data: { webhook_id: "wh_1", status: "active" } });
    expect(upstream.webhooks.size).toBe(1);
    expect(upstream.asked[0]?.idempotencyKey).toBe(upstream.asked[1]?.idempotencyKey);
    expect((await mirror.deliver(id, event("webhook.test", {}), "whsec_upstream_1")).status).toBe(202);
  });
});

describe("a connection that cannot work", () => {
  const live = { base_url: "https://api.measurerecovery.com/v1", api_key: "rcms_test_0123456789" };
  const sandbox = { base_url: "https://api-sandbox.measurerecovery.com/v1", api_key: "rcms_live_0123456789" };
  const http = { base_url: "http://upstream.test/v1" };

  it.each([
    ["no body", undefined, "id"],
    ["an id in capitals", { id: "RCMS" }, "id"],
    ["an id too long", { id: "a".repeat(33) }, "id"],
    ["an id that climbs", { id: "../x" }, "id"],
    ["a number for an id", { id: 7 }, "id"],
    ["an id of ten kilobytes", { id: "a".repeat(10_000) }, "id"],
    ["another source", { source: "halopsa" }, "source"],
    ["a URL that is none", { base_url: "measurerecovery" }, "base_url"],
    ["a URL with a query", { base_url: "https://x.test/v1?a=1" }, "base_url"],
    ["a URL with credentials", { base_url: "https://u:p@x.test/v1" }, "base_url"],
    ["a file URL", { base_url: "file:///etc/passwd" }, "base_url"],
    ["a key with white space", { api_key: "a key with spaces" }, "api_key"],
    ["a key with a line break", { api_key: "abcdefgh\r\nx-evil: 1" }, "api_key"],
    ["an empty key", { api_key: "" }, "api_key"],
    ["no webhook", { webhook: undefined }, "webhook"],
    [
      "both kinds of webhook",
      { webhook: { public_url: UPSTREAM, signing_secret: "whsec_12345678" } },
      "webhook",
    ],
    ["a webhook URL that is none", { webhook: { public_url: "mirror" } }, "webhook"],
    ["no events at all", { webhook: { public_url: UPSTREAM, events: [] } }, "webhook.events"],
    ["fields of an unknown kind", { fields: { invoices: ["id"] } }, "fields"],
    ["a field that is no text", { fields: { clients: [1] } }, "fields.clients.0"],
    ["something unknown", { extra: true }, ""],
    ["a sandbox key for production", live, "api_key"],
    ["a production key for the sandbox", sandbox, "api_key"],
  ])("AD1 %s is 400 and names what is wrong", async (_what, more, path) => {
    const { upstream, mirror, id } = setUp();
    const json = more === undefined ? {} : request(id, more);
    const response = await mirror.admin("/admin/connections", { json });
    const error = await expectError(response, 400, "invalid_request");
    expect(error.issues?.map((issue) => issue.path)).toContain(path);
    expect(JSON.stringify(error)).not.toMatch(/rcms_(live|test)_0|passwd|x-evil|u:p@/);
    expect(upstream.asked).toEqual([]);
    expect(await rowsWith(id)).toEqual([]);
  });

  it.each([
    ["base_url", http],
    ["webhook.public_url", { webhook: { public_url: "http://mirror.example" } }],
  ])("AD1 %s without TLS is 400 unless local work allows it", async (path, more) => {
    const { mirror, id } = setUp();
    for (const ALLOW_HTTP_UPSTREAM of ["false", undefined]) {
      const strict = createMirror({ ALLOW_HTTP_UPSTREAM });
      const response = await strict.admin("/admin/connections", { json: request(id, more) });
      const error = await expectError(response, 400, "invalid_request");
      expect(error.issues).toEqual([{ path, message: "must be https" }]);
    }
    const signing = { ...http, webhook: { signing_secret: "whsec_12345678" } };
    const allowed = await mirror.admin("/admin/connections", { json: request(id, signing) });
    expect(allowed.status).toBe(201);
  });
});

describe("disconnecting", () => {
  async function connected() {
    const given = setUp();
    await given.mirror.admin("/admin/connections", { json: request(given.id) });
    given.upstream.put("clients", { id: "client_1", updated_at: "2026-10-01T00:00:00Z" });
    const app = await given.mirror.key(given.id);
    expect((await app.get("/v1/clients/client_1")).status).toBe(200);
    await env.CURSORS.put(`cursor/${given.id}/clients`, "{}");
    return {
      ...given,
      app,
      remove: (query = "") => given.mirror.admin(path(given.id) + query, { method: "DELETE" }),
    };
  }
  const path = (id: string) => `/admin/connections/${id}`;

  it("AD1 removes the upstream webhook and every row, cursor and key", async () => {
    const { upstream, mirror, id, app, remove } = await connected();
    const response = await remove();
    const { data } = await response.json<{ data: Record<string, unknown> }>();
    expect([response.status, data]).toMatchObject([200, { id, webhook: "removed", removed: { records: 1 } }]);
    expect(upstream.webhooks.size).toBe(0);
    expect(await rowsWith(id)).toEqual([]);
    expect((await env.CURSORS.list({ prefix: `cursor/${id}/` })).keys).toEqual([]);
    await expectError(await app.get("/v1/clients"), 401, "unauthorized");
    await expectError(
      await mirror.deliver(id, event("webhook.test", {}), "whsec_upstream_1"),
      404,
      "not_found",
    );
    await expectError(await remove(), 404, "not_found");
  });

  it("AD1 an upstream that cannot be reached holds it up, unless forced", async () => {
    const { upstream, id, remove } = await connected();
    upstream.state.fault = () => problem(503);
    await expectError(await remove(), 502, "upstream_refused");
    expect(await rowsWith(id)).not.toEqual([]);
    await expectError(await remove("?force=yes"), 400, "invalid_request");
    expect(await (await remove("?force=true")).json()).toMatchObject({ data: { webhook: "left" } });
    expect(await rowsWith(id)).toEqual([]);
  });

  it.each([401, 404])("AD1 a webhook that answers %i does not hold it up", async (status) => {
    const { upstream, id, remove } = await connected();
    upstream.state.fault = () => problem(status);
    expect((await remove()).status).toBe(200);
    expect(await rowsWith(id)).toEqual([]);
  });
});
