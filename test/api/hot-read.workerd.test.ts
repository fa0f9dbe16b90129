// A read answered from memory is the router's answer to the byte, and costs nobody a trip.

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
/** One worker with copies, one that never holds any: its router answers everything. */
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

/** Asked once before, so that what may be held is held. @returns both answers, and the trips of the first */
async function both(path: string, key: string, headers = {}, method = "GET") {
  await ask(holding, path, key);
  await ask(plain, path, key);
  trips.length = 0;
  const held = await ask(holding, path, key, headers, method);
  const taken = trips.splice(0);
  const routed = await ask(plain, path, key, headers, method);
  const name = held.headers.get("x-request-id");
  const answers = [
    await whole(held),
    (await whole(routed)).replaceAll(routed.headers.get("x-request-id") ?? "-", name ?? "-"),
  ];
  logged();
  return { answers, taken };
}

describe("a hot read", () => {
  it("RD5 is the router's answer byte for byte, whoever asks for whatever with whatever headers", async () => {
    upstream.install();
    let hot = 0;
    for (const key of Object.values(keys)) {
      for (const path of PATHS) {
        for (const headers of path === PATHS[0] || path === PATHS[1] ? HEADERS : HEADERS.slice(0, 2)) {
          const { answers, taken } = await both(path, key, headers);
          expect([key, path, headers, answers[0]]).toEqual([key, path, headers, answers[1]]);
          if (taken.length === 0 && answers[0]?.startsWith("200")) hot++;
        }
      }
      for (const method of ["HEAD", "POST", "PUT", "OPTIONS"]) {
        const { answers } = await both("/v1/clients/c0", key, {}, method);
        expect([method, answers[0]]).toEqual([method, answers[1]]);
      }
    }
    expect(hot).toBeGreaterThan(20);
  });

  it("RD5 makes no trip, not even for its ration, and stays true as it ages", async () => {
    upstream.install();
    const key = keys.all ?? "";
    for (const aged of [0, 1, 1]) {
      passSeconds(aged);
      // Both began their moment now.
      const { answers, taken } = await both("/v1/clients/c0", key);
      expect(taken).toEqual([]);
      expect(answers[0]).toBe(answers[1]);
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

  it("RD3 is left to the router when the copy is older than its time to live", async () => {
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
