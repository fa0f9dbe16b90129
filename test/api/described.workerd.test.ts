// Every route's real answers are what the OpenAPI document says they are: status, shape, headers, errors.

import { beforeAll, describe, expect, it } from "vitest";
import { operations, templated } from "../../src/api/openapi.ts";
import type { ConnectionId } from "../../src/core/ids.ts";
import { ADMIN_TOKEN } from "../support/bindings.ts";
import { ago, isolateTests } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores } from "../support/stores.ts";
import { createUpstream, problem, UPSTREAM, UPSTREAM_KEY } from "../support/upstream.ts";
import { expectDescribed } from "./described.ts";

isolateTests();

const upstream = createUpstream();
const mirror = createMirror();
const id = newConnectionId();
const seen = new Set<string>();
let keys: { readonly all: string; readonly staffOnly: string };

beforeAll(async () => {
  await mirror.connect(id);
  keys = {
    all: (await mirror.key(id)).key,
    staffOnly: (await mirror.key(id, { kinds: ["staff"], organizations: ["org_1"] })).key,
  };
  upstream.put("organizations", { id: "org_1", name: "One", updated_at: ago(900) });
  upstream.put("staff", { id: 7, organization_id: "org_1", status: "active", updated_at: ago(900) });
  for (const client of ["client_1", "client_2"])
    upstream.put("clients", {
      id: client,
      organization_id: "org_1",
      updated_at: ago(900),
      extra: { deep: [1] },
    });
  upstream.putStatus("client_1", { id: "client_1", client_id: "client_1", overall_score: 1.5 });
});

interface Sent extends RequestInit {
  readonly json?: unknown;
}

/** Asks as whoever the route is for, and holds the answer against the document. */
async function ask(method: string, path: string, init: Sent = {}, token?: string) {
  const right = path.startsWith("/admin/") ? ADMIN_TOKEN : path.startsWith("/v1/") ? keys.all : "none";
  const response = await mirror.as(token ?? right)(path, { ...init, method });
  const copy = response.clone();
  seen.add(await expectDescribed(method, path, response));
  return copy;
}

const data = async <T>(response: Promise<Response>) => (await (await response).json<{ data: T }>()).data;

describe("what apps read", () => {
  it("OA1 lists, records and scores answer as described", async () => {
    upstream.install();
    const records = ["organizations/org_1", "staff/7", "clients/client_1", "clients/client_2"];
    const lists = ["organizations?limit=1", "staff?limit=1", "clients?limit=1", "reminders?limit=1"];
    for (const path of [...records, "clients/client_1/assessment-status", ...lists]) {
      const etag = (await ask("GET", `/v1/${path}`)).headers.get("etag") ?? "";
      await ask("GET", `/v1/${path}`, { headers: { "if-none-match": etag } });
    }
    await ask("GET", "/v1/clients/client_7", { headers: { "cache-control": "only-if-cached" } });
    upstream.state.fault = () => problem(503);
    await ask("GET", "/v1/clients/client_9");
    upstream.state.fault = undefined;
    await ask("GET", "/v1/clients/client_8");
    await ask("GET", "/v1/clients", {}, keys.staffOnly);
    await ask("GET", "/v1/clients", {}, "rmk_wrong");
    await ask("GET", "/v1/clients?limit=0");
    expect([...seen]).toEqual(
      expect.arrayContaining([
        "getClient 503 upstream_unavailable",
        "getClient 404 not_found",
        "getClient 504 gateway_timeout",
        "listClients 403 forbidden",
        "listClients 401 unauthorized",
        "listClients 400 invalid_request",
      ]),
    );
  });

  it("OA1 the feed and a key that asks too often answer as described", async () => {
    const etag = (await ask("GET", "/v1/changes?limit=2&kinds=clients,staff")).headers.get("etag") ?? "";
    const held = { headers: { "if-none-match": etag } };
    expect((await ask("GET", "/v1/changes?limit=2&kinds=clients,staff", held)).status).toBe(304);
    const strict = createMirror({ READS: { limit: async () => ({ success: false }) } });
    const refused = await strict.as(keys.all)("/v1/clients");
    expect(await expectDescribed("GET", "/v1/clients", refused)).toBe("listClients 429 rate_limited");
  });

  it("OA1 reminders, their acknowledgement and logins answer as described", async () => {
    upstream.install();
    const reminder = event("assessment.due_soon", { client_id: "client_1", due_at: ago(-900) });
    expect((await mirror.deliver(id, reminder)).status).toBe(202);
    await mirror.drain();
    await ask("GET", "/v1/reminders?status=open&limit=1");
    await ask("POST", `/v1/reminders/${reminder.id}/ack`);
    await ask("POST", "/v1/reminders/evt_nothing/ack");
    const login = () => ask("POST", "/v1/logins", { json: { user_id: "u", client_id: "client_1" } });
    const backfill = await data<{ id: string }>(login());
    await login();
    await ask("POST", "/v1/logins", { body: "x".repeat(70_000) });
    await ask("GET", `/v1/backfills/${backfill.id}`);
    await ask("GET", "/v1/backfills/none");
  });
});

describe("what everybody and RCMS ask", () => {
  it("OA1 deliveries answer as described, accepted or not", async () => {
    const path = `/hooks/${id}`;
    seen.add(await expectDescribed("POST", path, await mirror.deliver(id, event("webhook.test", {}))));
    await ask("POST", path, { body: "{}" });
    await ask("POST", "/hooks/nobody", { body: "{}" });
    await ask("POST", path, { body: "x".repeat(300_000) });
    await ask("POST", path, { body: "{}", headers: { "content-encoding": "gzip" } });
    const full = createMirror({
      EVENTS: {
        sendBatch: () => Promise.reject(new Error("full")),
        send: () => Promise.reject(new Error("full")),
      },
    });
    seen.add(await expectDescribed("POST", path, await full.deliver(id, event("webhook.test", {}))));
    expect([...seen].filter((what) => what.startsWith("receiveDelivery")).sort()).toEqual([
      "receiveDelivery 202",
      "receiveDelivery 401 signature_invalid",
      "receiveDelivery 404 not_found",
      "receiveDelivery 413 payload_too_large",
      "receiveDelivery 415 unsupported_media_type",
      "receiveDelivery 503 unavailable",
    ]);
  });

  it.each(["/openapi.json", "/docs"])(
    "OA1 %s can be held, and asked whether it is still the one",
    async (path) => {
      const response = await ask("GET", path);
      expect(response.headers.get("cache-control")).toBe("public, max-age=3600");
      const etag = response.headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[\w+/]{22}"$/);
      for (const held of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await ask("GET", path, { headers: { "if-none-match": held } });
        expect([held, again.status, again.headers.get("etag")]).toEqual([held, 304, etag]);
      }
      const other = await ask("GET", path, { headers: { "if-none-match": '"other"' } });
      expect([other.status, other.headers.get("etag")]).toEqual([200, etag]);
      expect((await mirror.fetch(path, { method: "HEAD" })).status).toBe(200);
    },
  );

  it("OA2 the page lets its own style through, by its hash, and nothing else", async () => {
    const response = await mirror.fetch("/docs");
    const page = await response.text();
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? "";
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style)));
    expect(response.headers.get("content-security-policy")?.split("; ")).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${btoa(String.fromCharCode(...hash))}'`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(style.length).toBeGreaterThan(500);
    expect(page).not.toContain(" style=");
  });

  it("OA1 health answers as described", async () => {
    expect(await (await ask("GET", "/healthz")).json()).toMatchObject({ status: "ok" });
  });
});

describe("what the operator asks", () => {
  const at = `/admin/connections/${id}`;

  it("OA1 connections answer as described, from connecting to letting go", async () => {
    upstream.install();
    const own = newConnectionId();
    const json = { id: own, source: "rcms", base_url: UPSTREAM, api_key: UPSTREAM_KEY };
    const connect = () => ask("POST", "/admin/connections", { json: { ...json, webhook } });
    const webhook = { public_url: "https://mirror.example" };
    upstream.state.fault = () => problem(500);
    await connect();
    upstream.state.fault = undefined;
    await connect();
    await connect();
    await ask("GET", "/admin/connections");
    await ask("GET", `/admin/connections/${own}`);
    await ask("POST", `/admin/connections/${own}/secrets`, { json: { signing_secret: "whsec_12345678" } });
    await ask("POST", `/admin/connections/${own}/resume`);
    await ask("GET", "/admin/connections/nobody");
    await ask("DELETE", `/admin/connections/${own}?force=maybe`);
    await ask("DELETE", `/admin/connections/${own}`);
    expect([...seen]).toEqual(
      expect.arrayContaining(["connect 409 conflict", "connect 502 upstream_refused"]),
    );
  });

  it("OA1 work answers as described", async () => {
    upstream.install();
    await ask("POST", `${at}/sweep`, { json: { kinds: ["clients"] } });
    await ask("POST", `${at}/sweep`);
    await ask("POST", `${at}/rebuild`);
    await ask("GET", `${at}/rebuild`);
    await ask("DELETE", `${at}/rebuild`);
    await ask("POST", `${at}/deliveries`);
    await ask("GET", at);
  });

  it("OA1 what is ordered for privacy answers as described", async () => {
    upstream.install();
    await ask("GET", `${at}/fields`);
    await ask("PUT", `${at}/fields`, { body: JSON.stringify({ fields: { staff: ["status"] } }) });
    await ask("GET", `${at}/fields`);
    const entries = mirror.access.splice(0).map((body) => ({ body }));
    await mirror.consume("mirror-access", entries);
    const log = await data<unknown[]>(ask("GET", `/admin/access?connection=${id}&limit=3`));
    expect(log).toHaveLength(3);
    await ask("DELETE", `${at}/clients/client_2`);
    await ask("DELETE", "/admin/connections/nobody/clients/client_2");
  });

  it("OA1 keys answer as described", async () => {
    const made = await data<{ id: string }>(
      ask("POST", "/admin/keys", { json: { connection: id, name: "app" } }),
    );
    await ask("GET", "/admin/keys");
    await ask("DELETE", `/admin/keys/${made.id}`);
    await ask("DELETE", `/admin/keys/${made.id}`);
  });

  it("OA1 the ledger and what was parked answer as described", async () => {
    const { deadLetters } = createStores();
    const letter = {
      connection: id as ConnectionId,
      queue: "jobs" as const,
      type: "guard",
      reason: "no reason",
      attempts: 3,
      since: 1,
      parkedAt: 2,
      message: { job: "guard", connection: id },
    };
    await deadLetters.park([
      { ...letter, id: "letter_1" },
      { ...letter, id: "letter_2" },
    ]);
    await ask("GET", `/admin/events?connection=${id}&limit=5`);
    await ask("GET", `/admin/dead-letters?connection=${id}`);
    await ask("POST", "/admin/dead-letters/letter_1/replay");
    await ask("POST", "/admin/dead-letters/letter_1/replay");
    await ask("POST", "/admin/dead-letters/replay");
  });

  it("OA1 every answer that is no error was seen above, of every route", () => {
    const described = operations().flatMap(({ name, answers }) =>
      Object.keys(answers).map((status) => `${name} ${status}`),
    );
    expect(described.filter((what) => !seen.has(what))).toEqual([]);
  });
});

it("OA1 the paths of the document are the routes' own, also when an id stands in them", async () => {
  expect(templated("/v1/clients/:id/assessment-status")).toBe("/v1/clients/{id}/assessment-status");
  await expect(expectDescribed("GET", "/v1/nothing", new Response())).rejects.toThrow(
    "is not in the document",
  );
});
