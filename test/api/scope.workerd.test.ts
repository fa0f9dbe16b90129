// What a key sees: its connection, its organizations, its kinds. Everything else does not exist.

import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { isolateTests, NOW, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { bury, createStores, put } from "../support/stores.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

const mirror = createMirror();
const [id, other] = [newConnectionId() as ConnectionId, newConnectionId() as ConnectionId];

beforeAll(async () => {
  for (const connection of [id, other]) await mirror.connect(connection);
  const { records } = createStores();
  await records.commit(id, [
    put("mine", { updatedAt: 1, organizationId: "org_1", status: "active" }),
    put("foreign", { updatedAt: 2, organizationId: "org_2", status: "active" }),
    put("orphan", { updatedAt: 3, status: "active" }),
    put("buried", { updatedAt: 4, organizationId: "org_1" }),
    put("org_1", { kind: "organizations", organizationId: "org_1" }),
    put("org_2", { kind: "organizations", organizationId: "org_2" }),
    put("person", { kind: "staff", organizationId: "org_2" }),
    put("mine", { kind: "assessment-status" }),
    put("foreign", { kind: "assessment-status" }),
    put("evt_mine", { kind: "reminders", organizationId: "org_1", status: "open" }),
    put("evt_foreign", { kind: "reminders", organizationId: "org_2", status: "open" }),
  ]);
  await records.commit(id, [bury("buried", 2_000)]);
});

/** The whole answer as text, for the same request id. */
async function whole(
  get: (path: string, init: RequestInit) => Promise<Response>,
  path: string,
  method = "GET",
) {
  const response = await get(path, { method, headers: { "x-request-id": "request-1" } });
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
  return [response.status, ...headers, await response.text()].join("\n");
}

describe("a key's organizations", () => {
  it.each([
    ["GET", "/v1/clients/foreign", "/v1/clients/absent"],
    ["GET", "/v1/clients/orphan", "/v1/clients/absent"],
    ["GET", "/v1/clients/buried", "/v1/clients/absent"],
    ["GET", "/v1/staff/person", "/v1/staff/absent"],
    ["GET", "/v1/organizations/org_2", "/v1/organizations/absent"],
    ["GET", "/v1/clients/foreign/assessment-status", "/v1/clients/absent/assessment-status"],
    ["GET", "/v1/clients?organization_id=org_2", "/v1/clients?organization_id=org_absent"],
    ["GET", "/v1/staff", "/v1/staff?organization_id=org_absent"],
    ["POST", "/v1/reminders/evt_foreign/ack", "/v1/reminders/evt_absent/ack"],
  ])("RD6 %s %s answers byte for byte like what is absent", async (method, foreign, absent) => {
    createUpstream().install();
    const { get } = await mirror.key(id, { organizations: ["org_1"] });
    const answer = await whole(get, foreign, method);
    expect(answer).toBe(await whole(get, absent, method));
    expect(answer).toMatch(/^(404|200)\n/);
    expect(answer).not.toContain("foreign");
  });

  it("RD6 a malformed id answers like an absent one", async () => {
    createUpstream().install();
    const { get } = await mirror.key(id);
    const absent = await whole(get, "/v1/clients/absent");
    for (const name of [
      "a.b",
      "%00",
      "..%2f..%2fstaff",
      "x".repeat(65),
      "x".repeat(10_000),
      "é",
      "%ff",
      "a%20b",
    ]) {
      expect(await whole(get, `/v1/clients/${name}`)).toBe(absent);
    }
    expect(await whole(get, "/v1/clients/__proto__")).toBe(absent);
  });

  it("RD6 what is the key's own is served, singly and in lists", async () => {
    const { get } = await mirror.key(id, { organizations: ["org_1"] });
    for (const path of ["clients/mine", "organizations/org_1", "clients/mine/assessment-status"]) {
      expect((await get(`/v1/${path}`)).status).toBe(200);
    }
    for (const kind of ["clients", "organizations", "reminders"]) {
      const { data } = await (await get(`/v1/${kind}`)).json<{ data: unknown[] }>();
      expect([kind, data.length]).toEqual([kind, 1]);
    }
  });

  it("RD6 a foreign status is refused before the upstream is asked for it", async () => {
    const upstream = createUpstream();
    upstream.install();
    upstream.put("clients", { id: "elsewhere", organization_id: "org_2", updated_at: "2026-01-01" });
    upstream.putStatus("elsewhere", { id: "s", score: 1 });
    const { get } = await mirror.key(id, { organizations: ["org_1"] });
    await expectError(await get("/v1/clients/elsewhere/assessment-status"), 404, "not_found");
    expect(upstream.calls()).toEqual(["GET /clients/elsewhere"]);
  });
});

describe("a key's kinds", () => {
  it("RD6 a kind the key was not made for is 403, present or absent, listed or single", async () => {
    const { get } = await mirror.key(id, { kinds: ["staff"] });
    const refused = [
      "/v1/clients",
      "/v1/clients/mine",
      "/v1/clients/absent",
      "/v1/organizations",
      "/v1/clients/mine/assessment-status",
      "/v1/reminders",
    ];
    for (const path of refused) await expectError(await get(path), 403, "forbidden");
    await expectError(await get("/v1/reminders/evt_mine/ack", { method: "POST" }), 403, "forbidden");
    expect((await get("/v1/staff")).status).toBe(200);
  });

  it("RD6 clients and their scores are two kinds", async () => {
    const { get } = await mirror.key(id, { kinds: ["clients"] });
    expect((await get("/v1/clients/mine")).status).toBe(200);
    await expectError(await get("/v1/clients/mine/assessment-status"), 403, "forbidden");
  });
});

describe("a key's life", () => {
  it("RD6 a key of another connection sees nothing of this one", async () => {
    createUpstream().install();
    const { get } = await mirror.key(other);
    for (const kind of ["clients", "staff", "organizations", "reminders"]) {
      expect(await (await get(`/v1/${kind}`)).json()).toMatchObject({ data: [] });
    }
    expect(await whole(get, "/v1/clients/mine")).toBe(await whole(get, "/v1/clients/absent"));
    await expectError(await get("/v1/reminders/evt_mine/ack", { method: "POST" }), 404, "not_found");
  });

  it("RD6 a key stops at the instant it expires", async () => {
    const expires_at = new Date(NOW + 10_000).toISOString();
    const { get } = await mirror.key(id, { expires_at });
    expect((await get("/v1/clients")).status).toBe(200);
    passSeconds(9.999);
    expect((await get("/v1/clients")).status).toBe(200);
    passSeconds(0.001);
    await expectError(await get("/v1/clients"), 401, "unauthorized");
  });

  it("RD6 a deleted key is refused at once where it was deleted, and soon everywhere", async () => {
    const elsewhere = createMirror();
    const { get, key, id: keyId } = await mirror.key(id);
    expect((await get("/v1/clients")).status).toBe(200);
    expect((await elsewhere.as(key)("/v1/clients")).status).toBe(200);
    expect((await mirror.admin(`/admin/keys/${keyId}`, { method: "DELETE" })).status).toBe(200);
    await expectError(await get("/v1/clients"), 401, "unauthorized");
    passSeconds(30.001);
    await expectError(await elsewhere.as(key)("/v1/clients"), 401, "unauthorized");
  });

  it("RD6 a deleted key is soon refused by an isolate whose last answer came from its cache alone", async () => {
    // Through the entry point each request has a life of its own, and whatever it leaves behind ends with it.
    const entryPoint = (exports as unknown as { default: Fetcher }).default;
    const status = async (key: string) => {
      const headers = { authorization: `Bearer ${key}` };
      return (await entryPoint.fetch("https://mirror.test/v1/clients", { headers })).status;
    };
    const { key, id: keyId } = await mirror.key(id);
    expect([await status(key), await status("rmk_guess"), await status("rmk_guess")]).toEqual([
      200, 401, 401,
    ]);
    await mirror.admin(`/admin/keys/${keyId}`, { method: "DELETE" });
    passSeconds(30.001);
    expect(await status(key)).toBe(401);
  });
});
