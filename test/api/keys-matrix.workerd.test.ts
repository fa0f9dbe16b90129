// Every route against every kind of asker: the doors first, then what is behind them.

import { beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import type { ApiDeps } from "../../src/api/deps.ts";
import type { ConnectionId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { ADMIN_TOKEN } from "../support/bindings.ts";
import { isolateTests, NOW, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores, put } from "../support/stores.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

const mirror = createMirror();
const [id, other] = [newConnectionId() as ConnectionId, newConnectionId() as ConnectionId];
let backfill = "";

/** Registering routes calls nothing of what they will need. */
const routes = createApp({} as ApiDeps)
  .routes.filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
  .map(({ method, path }) => ({ method, path }));
const behind = (prefix: string) =>
  routes
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ method, path }) => [method, path.replace(/:\w+/g, "mine")] as const);

beforeAll(async () => {
  for (const connection of [id, other]) await mirror.connect(connection);
  await createStores().records.commit(id, [
    put("mine", { organizationId: "org_1" }),
    put("mine", { kind: "staff", organizationId: "org_1" }),
    put("mine", { kind: "organizations", organizationId: "org_1" }),
    put("mine", { kind: "assessment-status" }),
    put("mine", { kind: "reminders", organizationId: "org_1", status: "open" }),
  ]);
  const { get } = await mirror.key(id);
  const made = await get("/v1/logins", { json: { user_id: "u", client_id: "mine" } });
  backfill = (await made.json<{ data: { id: string } }>()).data.id;
});

/** All that anyone can see of an answer, for the same request id. */
async function whole(
  path: string,
  authorization: string | undefined,
  init: RequestInit = {},
): Promise<string> {
  const headers = { "x-request-id": "request-1", ...(authorization === undefined ? {} : { authorization }) };
  const response = await mirror.fetch(path, { ...init, headers });
  const seen = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
  return [response.status, ...seen, await response.text()].join("\n");
}

const bearer = async (connection: string, scope: Record<string, unknown> = {}) =>
  `Bearer ${(await mirror.key(connection, scope)).key}`;

describe("the doors", () => {
  it("RD6 every route of the read API is behind a key and every one of the operator behind the token", () => {
    expect(behind("/v1/").length).toBeGreaterThan(10);
    expect(behind("/admin/").length).toBeGreaterThan(10);
    const open = routes.filter(({ path }) => !/^\/(v1|admin)\//.test(path)).map(({ path }) => path);
    // Public by contract. A delivery proves itself by its signature.
    expect(
      open.filter((path) => !["/hooks/:connection", "/healthz", "/openapi.json", "/docs"].includes(path)),
    ).toEqual([]);
  });

  it.each(behind("/v1/"))(
    "RD6 %s %s opens to no asker without a valid key, and tells none why",
    async (method, path) => {
      const revoked = await mirror.key(id);
      await mirror.admin(`/admin/keys/${revoked.id}`, { method: "DELETE" });
      const expiring = await bearer(id, { expires_at: new Date(NOW + 1_000).toISOString() });
      passSeconds(1);
      const refused = await whole(path, undefined, { method });
      expect(refused).toMatch(/^401\n[\s\S]*www-authenticate: Bearer\n[\s\S]*"unauthorized"/);
      for (const authorization of [
        "",
        "Bearer",
        "Bearer  ",
        "Basic cm1rXw==",
        "Bearer rmk_",
        `Bearer rmk_${"A".repeat(43)}`,
        `Bearer ${"r".repeat(5_000)}`,
        `Bearer ${revoked.key}`,
        `Bearer ${revoked.key.slice(0, -1)}`,
        revoked.key,
        expiring,
        `Bearer ${ADMIN_TOKEN}`,
      ]) {
        expect(await whole(path, authorization, { method })).toBe(refused);
      }
    },
  );

  it.each(behind("/admin/"))(
    "AD1 %s %s opens to nobody without the operator's token",
    async (method, path) => {
      const refused = await whole(path, undefined, { method });
      expect(refused).toMatch(/^401\n/);
      for (const authorization of [
        "Bearer",
        `Basic ${ADMIN_TOKEN}`,
        `Bearer ${ADMIN_TOKEN}x`,
        `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
        await bearer(id),
      ]) {
        expect(await whole(path, authorization, { method })).toBe(refused);
      }
    },
  );
});

/** Every read of one record, as path and body; `mine` is the record's id. */
const SINGLE = [
  ["GET", "/v1/clients/mine"],
  ["GET", "/v1/staff/mine"],
  ["GET", "/v1/organizations/mine"],
  ["GET", "/v1/clients/mine/assessment-status"],
  ["POST", "/v1/reminders/mine/ack"],
  ["GET", "/v1/backfills/mine"],
] as const;

const EVERY_LIST = ["/v1/clients", "/v1/staff", "/v1/organizations", "/v1/reminders"];

describe("behind them", () => {
  it.each(SINGLE)(
    "RD6 %s %s: foreign and absent are one answer, with RCMS there and away",
    async (method, path) => {
      const foreignPath = path.replace("backfills/mine", `backfills/${backfill}`);
      const absentPath = path.replace("mine", "absent");
      const upstream = createUpstream();
      upstream.install();
      for (const away of [false, true]) {
        if (away) passSeconds(10);
        upstream.state.fault = away ? () => new Response("", { status: 500 }) : undefined;
        for (const authorization of [await bearer(other), await bearer(id, { organizations: ["org_2"] })]) {
          const foreign = await whole(foreignPath, authorization, { method });
          expect(foreign).toMatch(/^(404|503)\n/);
          expect(foreign).toBe(await whole(absentPath, authorization, { method }));
        }
      }
    },
  );

  it("RD6 a login for a foreign client is answered like one for an absent one, and leaves nothing", async () => {
    createUpstream().install();
    const authorization = await bearer(id, { organizations: ["org_2"] });
    const login = (client_id: string) => ({
      method: "POST",
      body: JSON.stringify({ user_id: "v", client_id }),
    });
    const jobs = mirror.jobs.length;
    expect(await whole("/v1/logins", authorization, login("mine"))).toBe(
      await whole("/v1/logins", authorization, login("absent")),
    );
    expect(mirror.jobs.length).toBe(jobs);
  });

  it.each(EVERY_LIST)("RD6 GET %s shows another's key what an empty mirror shows", async (path) => {
    const empty = newConnectionId();
    await mirror.connect(empty);
    const nothing = await whole(path, await bearer(empty));
    expect(nothing).toMatch(/"data":\[\]/);
    expect(await whole(path, await bearer(other))).toBe(nothing);
    expect(await whole(path, await bearer(id, { organizations: ["org_2"] }))).toBe(nothing);
  });

  it("RD6 the feed shows a foreign key no row, and of their number only how far it has come", async () => {
    const bound = await whole("/v1/changes", await bearer(id, { organizations: ["org_2"] }));
    expect(bound).toContain('{"data":[],"meta":{"next_after":5,"has_more":false}}');
    expect(await whole("/v1/changes", await bearer(other))).toContain(
      '{"data":[],"meta":{"next_after":0,"has_more":false}}',
    );
  });

  it("RD6 the feed has for a key what its single reads have, the status by its client", async () => {
    const { get } = await mirror.key(id, { organizations: ["org_1"] });
    const { data } = await (await get("/v1/changes")).json<{ data: { kind: string }[] }>();
    expect(data.map(({ kind }) => kind).sort()).toEqual([
      "assessment-status",
      "clients",
      "organizations",
      "reminders",
      "staff",
    ]);
  });

  it.each([
    [
      "clients",
      [
        "/v1/clients",
        "/v1/clients/mine",
        "/v1/clients/absent",
        "/v1/backfills/absent",
        "/v1/changes?kinds=clients",
      ],
    ],
    ["staff", ["/v1/staff", "/v1/staff/mine", "/v1/changes?kinds=staff"]],
    ["organizations", ["/v1/organizations", "/v1/organizations/mine", "/v1/changes?kinds=organizations"]],
    ["assessment-status", ["/v1/clients/mine/assessment-status", "/v1/changes?kinds=assessment-status"]],
    ["reminders", ["/v1/reminders", "/v1/changes?kinds=reminders"]],
  ])("RD6 a key not made for %s gets 403 everywhere, present or absent", async (kind, paths) => {
    const all = ["clients", "staff", "organizations", "assessment-status", "reminders"];
    const { get } = await mirror.key(id, { kinds: all.filter((one) => one !== kind) });
    for (const path of paths) await expectError(await get(path), 403, "forbidden");
    const { data } = await (await get("/v1/changes")).json<{ data: { kind: string }[] }>();
    expect(data.map((entry) => entry.kind)).not.toContain(kind);
  });
});

describe("the ration", () => {
  it("RL1 is asked per key, after the key is known, and a refusal says when to come back", async () => {
    const asked: string[] = [];
    const READS = {
      async limit({ key }: { key: string }) {
        asked.push(key);
        return { success: asked.length === 1 || asked.length > 3 };
      },
    };
    const limited = createMirror({ READS });
    const key = await limited.key(id);
    for (let i = 0; i < limits.rationRequests; i++) {
      expect((await key.get("/v1/clients")).status).toBe(200);
    }
    expect(asked).toEqual([key.id]);
    const refused = await key.get("/v1/clients");
    expect(refused.headers.get("retry-after")).toBe("60");
    await expectError(refused, 429, "rate_limited");
    await expectError(await limited.as("rmk_guess")("/v1/clients"), 401, "unauthorized");
    expect(asked).toEqual([key.id, key.id]);
    // While it refuses, every request asks anew.
    await expectError(await key.get("/v1/clients"), 429, "rate_limited");
    expect((await key.get("/v1/clients")).status).toBe(200);
  });

  it("RL1 a limiter that fails refuses nobody", async () => {
    const READS = { limit: async () => Promise.reject(new Error("away")) };
    const key = await createMirror({ READS }).key(id);
    expect((await key.get("/v1/clients")).status).toBe(200);
  });

  it("RL1 the platform's own limiter is bound and answers", async () => {
    const { READS } = mirror.env;
    expect(await READS.limit({ key: "some key" })).toEqual({ success: true });
  });
});
