// Every route against every key. The routes are read from the document that the worker serves, so one that is new is
// asked too, and fails here until it is said who may use it.

import { beforeAll, describe, expect, it } from "vitest";
import { type OpenApiDocument, openApiDocument } from "../../src/api/openapi.ts";
import { type ConnectionId, KINDS, type Kind } from "../../src/core/ids.ts";
import { ADMIN_TOKEN } from "../support/bindings.ts";
import { isolateTests, NOW, passSeconds } from "../support/each-test.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores, put } from "../support/stores.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

const mirror = createMirror();
const [id, other] = [newConnectionId() as ConnectionId, newConnectionId() as ConnectionId];

interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly access: string;
  readonly example: unknown;
}

/** What an app's route shows, and of which kind: what a key that may not see it gets follows from this. */
const APP_ROUTES: Readonly<Record<string, readonly [shows: "record" | "rows" | "login", kind: Kind]>> = {
  listOrganizations: ["rows", "organizations"],
  listStaff: ["rows", "staff"],
  listClients: ["rows", "clients"],
  listReminders: ["rows", "reminders"],
  followChanges: ["rows", "clients"],
  getOrganization: ["record", "organizations"],
  getStaffMember: ["record", "staff"],
  getClient: ["record", "clients"],
  getAssessmentStatus: ["record", "assessment-status"],
  acknowledgeReminder: ["record", "reminders"],
  getBackfill: ["record", "clients"],
  login: ["login", "clients"],
};

const routes = routesOf(JSON.parse(JSON.stringify(openApiDocument())));
const of = (access: string) => routes.filter((route) => route.access === access);

/** Keys that open nothing, and all that is told to who sends one. */
let useless: readonly (readonly [what: string, authorization: string | undefined])[];
let right: { readonly app: string; readonly foreign: readonly (readonly [what: string, token: string])[] };
let backfill = "";

beforeAll(async () => {
  for (const connection of [id, other]) await mirror.connect(connection);
  const organizationId = "org_1";
  const kinds = KINDS.filter((kind) => kind !== "assessment-status");
  await createStores().records.commit(id, [
    ...kinds.map((kind) => put("mine", { kind, organizationId, status: "open" })),
    put("mine", { kind: "assessment-status" }),
  ]);
  const own = await mirror.key(id);
  const made = await own.get("/v1/logins", { json: { user_id: "u", client_id: "mine" } });
  backfill = (await made.json<{ data: { id: string } }>()).data.id;

  const revoked = await mirror.key(id);
  await mirror.admin(`/admin/keys/${revoked.id}`, { method: "DELETE" });
  const expired = await mirror.key(id, { expires_at: new Date(NOW + 1_000).toISOString() });
  useless = [
    ["nothing", undefined],
    ["a key that never was", `Bearer rmk_${"A".repeat(43)}`],
    ["a revoked key", `Bearer ${revoked.key}`],
    ["an expired key", `Bearer ${expired.key}`],
    ["a good key in another scheme", `Basic ${own.key}`],
    ["a key cut short", `Bearer ${own.key.slice(0, -1)}`],
  ];
  right = {
    app: own.key,
    foreign: [
      ["another connection's key", (await mirror.key(other)).key],
      ["another organization's key", (await mirror.key(id, { organizations: ["org_2"] })).key],
    ],
  };
});

/** All that anyone can see of an answer; the request's own id is always the same. */
async function ask(route: Route, authorization: string | undefined, subject = "mine"): Promise<string> {
  const path = route.path
    .replace("/backfills/{id}", `/backfills/${subject === "mine" ? backfill : subject}`)
    .replace(/\{\w+\}/g, subject);
  const query = route.name === "followChanges" ? "?kinds=clients" : "";
  const headers = { "x-request-id": "request-1", ...(authorization === undefined ? {} : { authorization }) };
  const example = route.name === "login" ? { user_id: "v", client_id: subject } : route.example;
  const body = example === undefined ? {} : { body: JSON.stringify(example) };
  const response = await mirror.fetch(path + query, { method: route.method, headers, ...body });
  const seen = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
  // A login's number is made anew each time.
  const text = (await response.text()).replace(/"id":"[0-9a-f-]{36}"/, '"id":"…"');
  return [response.status, ...seen, text].join("\n");
}

const statusOf = (answer: string) => Number(answer.split("\n", 1)[0]);
const bearer = (token: string) => `Bearer ${token}`;

describe("the document", () => {
  it("RD6 is what the worker serves, and every app's route in it is said to show something", async () => {
    const served = await (await mirror.fetch("/openapi.json")).json<OpenApiDocument>();
    expect(routesOf(served)).toEqual(routes);
    expect(
      of("app")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(APP_ROUTES).sort());
    expect(routes.length).toBe(
      of("app").length + of("operator").length + of("signature").length + of("public").length,
    );
    expect(of("operator").length).toBeGreaterThan(20);
    expect(of("signature").map(({ path }) => path)).toEqual(["/hooks/{connection}"]);
    expect(
      of("public")
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["/docs", "/healthz", "/openapi.json"]);
  });
});

describe("an app's route", () => {
  it.each(of("app"))(
    "RD6 $name: a useless key and the operator's token get one and the same 401",
    async (route) => {
      createUpstream().install();
      passSeconds(1);
      const refused = await ask(route, undefined);
      expect(refused).toMatch(/^401\n[\s\S]*www-authenticate: Bearer\n[\s\S]*"unauthorized"/);
      for (const [what, authorization] of [...useless, ["the operator's", bearer(ADMIN_TOKEN)] as const]) {
        expect([what, await ask(route, authorization)]).toEqual([what, refused]);
      }
    },
  );

  it.each(of("app"))(
    "RD6 $name: a key not made for its kind gets 403, whether anything is there or not",
    async (route) => {
      createUpstream().install();
      const [, kind] = APP_ROUTES[route.name] ?? [];
      const { key } = await mirror.key(id, { kinds: KINDS.filter((one) => one !== kind) });
      const answer = await ask(route, bearer(key));
      expect(answer).toMatch(/^403\n[\s\S]*"forbidden"/);
      expect(await ask(route, bearer(key), "absent")).toBe(answer);
    },
  );

  it.each(of("app"))("RD6 $name: what is another's looks as if it were not there", async (route) => {
    createUpstream().install();
    const [shows] = APP_ROUTES[route.name] ?? [];
    expect([200, 202]).toContain(statusOf(await ask(route, bearer(right.app))));
    for (const [what, token] of right.foreign) {
      const answer = await ask(route, bearer(token));
      if (shows === "rows") {
        expect([what, statusOf(answer)]).toEqual([what, 200]);
        expect(answer).toContain('{"data":[],"meta":');
        continue;
      }
      expect([what, answer]).toEqual([what, await ask(route, bearer(token), "absent")]);
      // A key bound to no organization may log in for a client that RCMS has yet to tell of: in its own connection.
      const free = shows === "login" && token === right.foreign[0]?.[1];
      if (!free) expect([what, statusOf(answer)]).toEqual([what, 404]);
    }
  });
});

describe("the operator's route", () => {
  it.each(of("operator"))("AD1 $name: whoever has not the token gets one and the same 401", async (route) => {
    const refused = await ask(route, undefined);
    expect(refused).toMatch(/^401\n[\s\S]*"unauthorized"/);
    const keys = [
      ["an app's key", bearer(right.app)],
      ...right.foreign.map(([what, key]) => [what, bearer(key)]),
    ];
    for (const [what, authorization] of [...useless, ...keys])
      expect([what, await ask(route, authorization)]).toEqual([what, refused]);
    for (const token of [
      `${ADMIN_TOKEN}x`,
      ADMIN_TOKEN.slice(1),
      ADMIN_TOKEN.toUpperCase(),
      ` ${ADMIN_TOKEN}`,
    ])
      expect([token, await ask(route, bearer(token))]).toEqual([token, refused]);
  });

  it.each(of("operator"))("AD1 $name: the token opens it", async (route) => {
    // For a connection that is not there, so that nothing is done.
    expect([401, 403, 405, 500]).not.toContain(statusOf(await ask(route, bearer(ADMIN_TOKEN), "nobody")));
  });
});

describe("any other route", () => {
  it.each(of("signature"))("IN2 $name: no key stands in for a signature", async (route) => {
    const path = { ...route, path: `/hooks/${id}` };
    const refused = await ask(path, undefined);
    expect(refused).toMatch(/^401\n[\s\S]*"signature_invalid"/);
    for (const token of [right.app, ADMIN_TOKEN]) expect(await ask(path, bearer(token))).toBe(refused);
  });

  it.each(of("public"))("PR1 $name: says the same to everybody, and nothing private", async (route) => {
    const said = await ask(route, undefined);
    expect(statusOf(said)).toBe(200);
    for (const token of [right.app, ADMIN_TOKEN]) expect(await ask(route, bearer(token))).toBe(said);
    expect(said).not.toMatch(new RegExp(`"${id}"|org_1|"mine"|${right.app}|${ADMIN_TOKEN}`));
  });
});

function routesOf({ paths }: OpenApiDocument): Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security, requestBody }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path,
      access: Object.keys(security[0] ?? { public: [] })[0] ?? "public",
      example: requestBody?.content["application/json"]?.example,
    })),
  );
}
