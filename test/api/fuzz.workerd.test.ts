// Thousands of hostile requests through the whole worker with its database: never a failure of ours, never a word from
// inside, never anything of another's, and nothing harmed.

import { expect, it } from "vitest";
import { type ErrorCode, statusOf } from "../../src/api/errors.ts";
import { openApiDocument } from "../../src/api/openapi.ts";
import { pick, type Random, seededRandom } from "../fake-rcms/random.ts";
import { ADMIN_TOKEN, rowsOf } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream } from "../support/upstream.ts";
import { type HostileRequest, hostileRequests, INSIDES } from "./hostile-input.ts";

isolateTests();

const REQUESTS = 6_000;
const ORDERS = 1_500;
const SECRET = "hidden from strangers";

const mirror = createMirror();
const upstream = createUpstream();

/** A connection that holds something of every kind, and keys that may see none of it. */
async function strangers() {
  const [theirs, ours] = [newConnectionId(), newConnectionId()];
  for (const connection of [theirs, ours]) await mirror.connect(connection);
  const record = {
    id: "mine",
    organization_id: "org_1",
    client_id: "mine",
    updated_at: ago(900),
    note: SECRET,
  };
  for (const kind of ["organizations", "staff", "clients"] as const) upstream.put(kind, record);
  upstream.putStatus("mine", record);
  const { get } = await mirror.key(theirs);
  for (const path of ["organizations/mine", "staff/mine", "clients/mine", "clients/mine/assessment-status"])
    expect(await (await get(`/v1/${path}`)).text()).toContain(SECRET);
  await mirror.deliver(theirs, event("assessment.overdue", { client_id: "mine", note: SECRET }));
  await mirror.drain();
  const elsewhere = { organizations: ["org_2", "org_3"] };
  const keys = [
    (await mirror.key(theirs, elsewhere)).key,
    (await mirror.key(theirs, { ...elsewhere, kinds: ["clients", "reminders"] })).key,
    // The same account in another connection: what it fetches is not for this key either.
    (await mirror.key(ours, elsewhere)).key,
  ];
  return { theirs, keys };
}

it(`PR5 ${REQUESTS} hostile requests of strangers: no failure of ours, no word from inside, nothing of another's`, async () => {
  upstream.install();
  const { theirs, keys } = await strangers();
  const before = await everything(theirs);
  const answered = await hostile(1, REQUESTS, (random) => pick(random, [...keys, ...keys, "rmk_guess"]));
  expect(await everything(theirs)).toEqual(before);
  for (const status of [200, 400, 401, 403, 404, 405, 413])
    expect([status, (answered.get(status) ?? 0) > 2]).toEqual([status, true]);
}, 240_000);

it(`PR5 ${ORDERS} hostile requests of the operator's: no failure of ours, no word from inside`, async () => {
  let answered = 0;
  for (let seed = 1; seed <= ORDERS / 100; seed++) {
    // What was ordered may have removed it.
    if ((await mirror.admin("/admin/connections/mine")).status === 404) await mirror.connect("mine");
    for (const count of (await hostile(100 + seed, 100, () => ADMIN_TOKEN)).values()) answered += count;
  }
  expect(answered).toBe(ORDERS);
}, 240_000);

/** @returns how often each status was answered */
async function hostile(seed: number, requests: number, token: (random: Random) => string) {
  upstream.install();
  const random = seededRandom(seed);
  const next = hostileRequests(openApiDocument());
  const answered = new Map<number, number>();
  for (let number = 0; number < requests; number++) {
    const request = next(random);
    // What might be an id is asked for upstream: the budget is two calls a second.
    passSeconds(0.25);
    const authorization = `Bearer ${token(random)}`;
    const status = await harmless(request, authorization).catch((error: unknown) => {
      throw new Error(`request ${number} of seed ${seed}: ${JSON.stringify(request).slice(0, 2_000)}`, {
        cause: error,
      });
    });
    answered.set(status, (answered.get(status) ?? 0) + 1);
  }
  return answered;
}

async function harmless(request: HostileRequest, authorization: string): Promise<number> {
  const { method, path, headers, body } = request;
  const sent = body === undefined || method === "HEAD" ? {} : { body };
  const response = await mirror.fetch(path, { method, headers: { ...headers, authorization }, ...sent });
  const { status } = response;
  const text = await response.text();
  expect(response.headers.get("set-cookie")).toBeNull();
  expect(response.headers.get("x-request-id")).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
  const said = `${text}\n${JSON.stringify([...response.headers])}`;
  expect(said).not.toContain(SECRET);
  // The documents are the same whatever is sent along.
  if (["getDocs", "getOpenApi"].includes(request.name) && status < 400) return status;
  expect(said).not.toMatch(INSIDES);
  if (status < 400 || method === "HEAD") {
    expect(status).toBeLessThan(500);
    return status;
  }
  expect(text.length).toBeLessThan(4_000);
  const { error } = JSON.parse(text) as { error: { code: ErrorCode } };
  expect([statusOf(error.code), error.code]).toEqual([status, error.code]);
  // RCMS is there, and of ours nothing fails: the only other reasons are an upstream that was made up, and a copy
  // that was asked for alone.
  if (status >= 500) expect(["upstream_refused", "gateway_timeout"]).toContain(error.code);
  return status;
}

/** All that strangers must neither see nor change. */
async function everything(connection: string) {
  const held = await rowsOf("SELECT * FROM records WHERE connection_id = ?1", connection);
  expect(held.length).toBe(5);
  const tables = ["connections", "api_keys", "signing_secrets", "suppressions", "dead_letters"];
  return [held, ...(await Promise.all(tables.map((table) => rowsOf(`SELECT * FROM ${table}`))))];
}
