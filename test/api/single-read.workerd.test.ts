// A single read answered before the router is the router's answer to the byte; from memory it costs nobody a trip.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, logged, NOW, passSeconds } from "../support/each-test.ts";
import { createMirror, type Mirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

/** The clock of the tests begins at `NOW`; what is set up before them has to name it. */
const before = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

const REQUEST_ID = { "x-request-id": "request-of-this-test" };

/** The bindings of one mirror that a hot read must not touch, each call counted. */
function counting() {
  const trips: string[] = [];
  const prepare = env.DB.prepare.bind(env.DB);
  const DB = Object.assign(Object.create(env.DB), {
    prepare: (sql: string) => {
      trips.push(sql);
      return prepare(sql);
    },
    batch: env.DB.batch.bind(env.DB),
  });
  const READS = {
    limit: async () => {
      trips.push("the key's ration");
      return { success: true };
    },
  };
  return { trips, bindings: { DB, READS } };
}

const upstream = createUpstream();
const { trips, bindings } = counting();
/** One worker with copies, one that never holds any. */
const [holding, plain] = [createMirror(bindings), createMirror({ L1_TTL_SECONDS: "0" })];
let id: ConnectionId;
const keys: Record<string, string> = {};

beforeAll(async () => {
  upstream.install();
  id = newConnectionId() as ConnectionId;
  for (const [n, more] of [{}, { organization_id: "org_2" }, { status: "discharged" }].entries()) {
    upstream.put("clients", { id: `c${n}`, organization_id: "org_1", updated_at: before(600), ...more });
  }
  upstream.put("staff", { id: "s1", name: "Zoë 東 💊", updated_at: before(900) });
  upstream.put("organizations", { id: "org_1" });
  await holding.connect(id);
  const scopes = {
    all: {},
    bound: { organizations: ["org_1"] },
    staff: { kinds: ["staff"] },
    ending: { expires_at: before(-90) },
  };
  for (const [name, scope] of Object.entries(scopes)) keys[name] = (await holding.key(id, scope)).key;
});

const PATHS = [
  ...["/v1/clients/c0", "/v1/clients/c1", "/v1/clients/c2", "/v1/staff/s1", "/v1/organizations/org_1"],
  ...["/v1/clients/nobody", "/v1/clients/c0?x=1", "/v1/clients/c0/", "/v1/clients/%630", "/v1//clients/c0"],
  ...["/v1/clients/c0/assessment-status", "/v1/nonsense/c0", "/v1/clients/c0#x", "/V1/clients/c0"],
];

const HEADERS: readonly Record<string, string>[] = [
  {},
  { "if-none-match": "*" },
  { "if-modified-since": new Date(NOW).toUTCString() },
  { "cache-control": "only-if-cached" },
  { "cache-control": "max-age=0, only-if-cached" },
  { "cache-control": "nonsense" },
  { "mirror-min-seq": "999" },
  { "mirror-bookmark": "any" },
  { "x-request-id": "short" },
  { authorization: "Bearer rmk_nobody" },
  { authorization: "Basic eDp5" },
  { authorization: "" },
];

async function whole(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== "mirror-bookmark");
  return [response.status, ...headers.map((pair) => pair.join(": ")).sort(), await response.text()].join(
    "\n",
  );
}

const ask = (mirror: Mirror, path: string, key: string, headers = {}, method = "GET") =>
  mirror.fetch(path, { method, headers: { authorization: `Bearer ${key}`, ...REQUEST_ID, ...headers } });

/** The same request where only the router takes it: with a query, if an empty one. */
const routed = (path: string) => (/[?#]/.test(path) ? path : `${path}?`);

/** But for the request's id. */
async function nameless(response: Response): Promise<string> {
  return (await whole(response)).replaceAll(response.headers.get("x-request-id") ?? "-", "its own id");
}

/**
 * Asked once before, so that what may be held is held.
 * @returns the answers from memory, from the database, and of the router; and the trips of the first
 */
async function ways(path: string, key: string, headers = {}, method = "GET") {
  await ask(holding, path, key);
  await ask(plain, path, key);
  trips.length = 0;
  const held = await ask(holding, path, key, headers, method);
  const taken = trips.splice(0);
  const others = [
    await ask(plain, path, key, headers, method),
    await ask(plain, routed(path), key, headers, method),
  ];
  expect(new Set([held, ...others].map(({ headers }) => headers.has("x-request-id")))).toEqual(
    new Set([true]),
  );
  const answers = await Promise.all([held, ...others].map(nameless));
  logged();
  return { answers, taken };
}

describe("a single read before the router", () => {
  it("RD5 is the router's answer byte for byte, whoever asks for whatever with whatever headers", async () => {
    upstream.install();
    let hot = 0;
    for (const key of Object.values(keys)) {
      for (const path of PATHS) {
        for (const headers of path === PATHS[0] || path === PATHS[1] ? HEADERS : HEADERS.slice(0, 2)) {
          const { answers, taken } = await ways(path, key, headers);
          for (const answer of answers) {
            expect([key, path, headers, answer]).toEqual([key, path, headers, answers.at(-1)]);
          }
          if (taken.length === 0 && answers[0]?.startsWith("200")) hot++;
        }
      }
      for (const method of ["HEAD", "POST", "PUT", "OPTIONS"]) {
        const { answers } = await ways("/v1/clients/c0", key, {}, method);
        for (const answer of answers) expect([method, answer]).toEqual([method, answers.at(-1)]);
      }
    }
    expect(hot).toBeGreaterThan(20);
  });

  it("RD5 from memory makes no trip, not even for its ration, and stays true as it ages", async () => {
    upstream.install();
    const key = keys.all ?? "";
    for (const aged of [0, 1, 1]) {
      passSeconds(aged);
      // Both began their moment now.
      const { answers, taken } = await ways("/v1/clients/c0", key);
      expect(taken).toEqual([]);
      for (const answer of answers) expect(answer).toBe(answers.at(-1));
    }
    expect(trips).toEqual([]);
    passSeconds(3);
    await ask(holding, "/v1/clients/c0", key);
    expect(trips.length).toBeGreaterThan(0);
  });

  it("RD6 ends with its key: when the key expires, and when it is revoked here", async () => {
    upstream.install();
    const key = await holding.key(id, { expires_at: new Date(Date.now() + 1_000).toISOString() });
    const revoked = await holding.key(id);
    const status = async (text: string) => (await ask(holding, "/v1/clients/c0", text)).status;
    expect([await status(key.key), await status(key.key), await status(revoked.key)]).toEqual([
      200, 200, 200,
    ]);
    passSeconds(1);
    expect(await status(key.key)).toBe(401);
    expect(await status(revoked.key)).toBe(200);
    await holding.admin(`/admin/keys/${revoked.id}`, { method: "DELETE" });
    expect(await status(revoked.key)).toBe(401);
  });

  it("RD3 is read again when the copy is older than its time to live", async () => {
    upstream.install();
    const long = createMirror({ L1_TTL_SECONDS: "3600" });
    const key = keys.all ?? "";
    await ask(long, "/v1/clients/c0", key);
    passSeconds(1_900);
    upstream.put("clients", { id: "c0", organization_id: "org_1", updated_at: ago(1), name: "changed" });
    expect(await (await ask(long, "/v1/clients/c0", key)).json()).toMatchObject({
      data: { name: "changed" },
    });
  });

  it("RL1 is refused, fails and is noted as the router refuses, fails and notes it", async () => {
    upstream.install();
    let [broken, refusing] = [false, false];
    const prepare = (sql: string) => {
      if (broken) throw new Error("the database is away");
      return env.DB.prepare(sql);
    };
    const DB = Object.assign(Object.create(env.DB), { prepare, batch: env.DB.batch.bind(env.DB) });
    // Each is a fresh isolate: what one has asked the limiter for would do for the other.
    const isolate = () =>
      createMirror({ DB, L1_TTL_SECONDS: "0", READS: { limit: async () => ({ success: !refusing }) } });
    const stories = [
      { path: "/v1/clients/c0", expected: 429, refusing: true },
      { path: "/v1/clients/c0", expected: 500, broken: true },
      { path: "/v1/clients/c0", expected: 200 },
      { path: "/v1/clients/c0", expected: 304, headers: { "if-none-match": "*" } },
      { path: "/v1/clients/nobody", expected: 404 },
    ];
    for (const { path, expected, headers = {}, ...trouble } of stories) {
      const told = [];
      for (const asked of [path, routed(path)]) {
        [broken, refusing] = [false, true];
        const mirror = isolate();
        const key = await mirror.key(id);
        // From here on the isolate knows the key, and has no ration for it.
        expect((await ask(mirror, "/v1/nonsense", key.key)).status).toBe(429);
        mirror.access.length = 0;
        [broken, refusing] = [trouble.broken ?? false, trouble.refusing ?? false];
        const answered = await ask(mirror, asked, key.key, headers);
        expect(answered.status).toBe(expected);
        const noted = JSON.stringify(mirror.access).replaceAll(key.id, "key");
        expect(noted).toContain(`\\"status\\":${expected}`);
        told.push([await whole(answered), noted.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}(?:-\d+)?/g, "id")]);
        logged();
      }
      expect(told[0]).toEqual(told[1]);
    }
  });

  it("PR6 is noted like every other read", async () => {
    upstream.install();
    const key = keys.all ?? "";
    holding.access.length = 0;
    for (let n = 0; n < 3; n++) await ask(holding, "/v1/clients/c2", key);
    await holding.consume(
      "mirror-access",
      holding.access.map((body) => ({ body })),
    );
    const { data } = await (await holding.admin(`/admin/access?connection=${id}&limit=3`)).json<{
      data: Record<string, unknown>[];
    }>();
    expect(data.map(({ action, status, kind, record_id }) => [action, status, kind, record_id])).toEqual(
      Array.from({ length: 3 }, () => ["read", 200, "clients", "c2"]),
    );
  });
});
