// Purging one client: its rows go, a tombstone without content stays for the feed, and nobody brings it back.

import { beforeEach, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { shardOf } from "../../src/core/shard.ts";
import { env, rowsOf, tableNames } from "../support/bindings.ts";
import { ago, isolateTests, logged, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores, put, ref } from "../support/stores.ts";
import { until } from "../support/until.ts";
import { createUpstream, type TestUpstream } from "../support/upstream.ts";

isolateTests();

const mirror = createMirror();
const stores = createStores();
let id: ConnectionId;
let upstream: TestUpstream;
let app: Awaited<ReturnType<typeof mirror.key>>;
const CLIENT = "client_77";
/** Its other id, a number: so long that no hash and no time contains it by chance. */
const NUMBER = "26042604260426";
const SECRET = "Ada-Lovelace";

beforeEach(async () => {
  upstream = createUpstream();
  upstream.install();
  id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  app = await mirror.key(id);
  upstream.put("clients", { id: CLIENT, organization_id: "org_1", name: SECRET, updated_at: ago(60) });
  upstream.put("clients", { id: "client_78", organization_id: "org_1", updated_at: ago(60) });
  upstream.putStatus(CLIENT, { id: CLIENT, client_id: CLIENT, score: SECRET, updated_at: ago(60) });
  await app.get(`/v1/clients/${CLIENT}`);
  await app.get("/v1/clients/client_78");
  await app.get(`/v1/clients/${CLIENT}/assessment-status`);
  mirror.events.length = 0;
  mirror.jobs.length = 0;
  upstream.asked.length = 0;
});

interface Purged {
  readonly client_id: string;
  readonly suppressed_ids: readonly string[];
  readonly removed: Record<string, number>;
}

async function purge(client = CLIENT): Promise<Purged> {
  const response = await mirror.admin(`/admin/connections/${id}/clients/${client}`, { method: "DELETE" });
  expect(response.status).toBe(200);
  return (await response.json<{ data: Purged }>()).data;
}

async function tell(type: string, data: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const told = event(type, data, more);
  expect((await mirror.deliver(id, told)).status).toBe(202);
  return told.id as string;
}

/** Everything any table says about the client, the rows left on purpose aside. */
async function traces(names: readonly string[] = [CLIENT]): Promise<string[]> {
  const found: string[] = [];
  for (const table of await tableNames()) {
    if (["suppressions", "access_log", "seq_floors"].includes(table)) continue;
    const column = table === "connections" ? "id" : "connection_id";
    for (const row of await rowsOf<Record<string, unknown>>(
      `SELECT * FROM ${table} WHERE ${column} = ?1`,
      id,
    )) {
      const text = JSON.stringify(row);
      const bare = table === "records" && row.deleted_at !== null && row.body === "null";
      const told = bare ? JSON.stringify({ ...row, id: "", kind: "" }) : text;
      if ([...names, SECRET].some((name) => told.includes(name))) found.push(`${table} ${told}`);
    }
  }
  return found;
}

async function gone(client = CLIENT): Promise<void> {
  upstream.asked.length = 0;
  for (const path of [`/v1/clients/${client}`, `/v1/clients/${client}/assessment-status`]) {
    expect((await app.get(path)).status, path).toBe(404);
  }
  expect(upstream.calls()).toEqual([]);
  expect(await traces([client])).toEqual([]);
}

const outcomes = async () =>
  (await stores.ledger.list({ connection: id, limit: 100 })).map(({ outcome, ref: of }) => [outcome, of]);

describe("a purge", () => {
  it("PR4 removes the client everywhere, says how much, and leaves others alone", async () => {
    upstream.put("clients", { id: CLIENT, organization_id: "org_1", name: SECRET, updated_at: ago(5) });
    upstream.putStatus(CLIENT, { id: CLIENT, client_id: CLIENT, score: SECRET, updated_at: ago(5) });
    await tell("client.updated", { client_id: CLIENT });
    await tell("assessment.due_soon", { client_id: CLIENT, name: SECRET });
    await tell("assessment.submitted", { client_id: CLIENT });
    await mirror.drain();
    await app.get("/v1/logins", { json: { user_id: "u1", client_id: CLIENT } });
    const letter = {
      id: "l1",
      connection: id,
      queue: "events" as const,
      type: "t",
      reason: "r",
      attempts: 1,
    };
    const parked = {
      ...letter,
      since: 1,
      parkedAt: 2,
      message: { what: { payload: { client_id: CLIENT } } },
    };
    await stores.deadLetters.park([
      parked,
      { ...parked, id: "l2", ref: ref(CLIENT), message: {} },
      { ...parked, id: "l3", ref: ref("client_78"), message: {} },
    ]);
    await stores.records.addAlias(id, "clients", ref(NUMBER).id, ref(CLIENT).id);
    expect((await traces()).length).toBeGreaterThan(6);

    expect(await purge()).toEqual({
      client_id: CLIENT,
      suppressed_ids: expect.arrayContaining([CLIENT, NUMBER]),
      removed: {
        records: 2,
        reminders: 1,
        aliases: 1,
        events: 3,
        dead_letters: 2,
        backfills: 1,
        assessments_taken: 1,
      },
    });
    await gone();
    await gone(NUMBER);
    expect((await app.get("/v1/clients/client_78")).status).toBe(200);
    expect(await stores.deadLetters.count(id)).toBe(1);
    expect(logged().join()).not.toContain(CLIENT);
  });

  it("PR4 is idempotent, by any of the client's ids, and knows clients the mirror never held", async () => {
    await stores.records.addAlias(id, "clients", ref(NUMBER).id, ref(CLIENT).id);
    expect((await purge(NUMBER)).removed).toMatchObject({ records: 2, aliases: 1 });
    await gone();
    const [{ seq } = { seq: 0 }] = await rowsOf<{ seq: number }>("SELECT max(seq) seq FROM records");
    for (const name of [CLIENT, NUMBER, "never_held"]) {
      expect(Object.values((await purge(name)).removed).every((count) => count === 0)).toBe(true);
    }
    expect(await rowsOf("SELECT max(seq) seq FROM records")).toEqual([{ seq }]);
    upstream.put("clients", { id: "never_held", updated_at: ago(5) });
    await gone("never_held");
    const unknown = await mirror.admin("/admin/connections/nowhere/clients/x", { method: "DELETE" });
    expect(unknown.status).toBe(404);
  });

  it("PR4 followers of the feed are told by a tombstone without content, in the client's organization", async () => {
    const [{ last } = { last: 0 }] = await rowsOf<{ last: number }>(
      "SELECT max(seq) last FROM records WHERE connection_id = ?1",
      id,
    );
    await purge();
    const rows = await rowsOf(
      "SELECT kind, id, seq, body, hash, status, client_id, organization_id FROM records WHERE connection_id = ?1 AND seq > ?2 ORDER BY seq",
      id,
      last,
    );
    const bare = { id: CLIENT, body: "null", hash: "", status: null, client_id: null };
    expect(rows).toEqual([
      { ...bare, kind: "assessment-status", seq: last + 1, organization_id: "org_1" },
      { ...bare, kind: "clients", seq: last + 2, organization_id: "org_1" },
    ]);
  });

  it("PR4 a staff member or organization of the same number is another matter", async () => {
    await stores.records.commit(id, [put(CLIENT, { kind: "staff" }), put(CLIENT, { kind: "organizations" })]);
    await purge();
    const kinds = await rowsOf(
      "SELECT kind FROM records WHERE connection_id = ?1 AND id = ?2 AND deleted_at IS NULL",
      id,
      CLIENT,
    );
    expect(kinds).toEqual([{ kind: "organizations" }, { kind: "staff" }]);
    await stores.records.commit(id, [put(CLIENT, { kind: "staff", hash: "new", fetchedAt: 9_000 })]);
    expect(await stores.records.one(id, ref(CLIENT, "staff"))).toMatchObject({ hash: "new" });
  });
});

describe("what would bring it back", () => {
  it("PR4 a fetch in flight during the purge is refused when it ends", async () => {
    upstream.put("clients", { id: CLIENT, organization_id: "org_1", name: SECRET, updated_at: ago(1) });
    let [asked, released] = [false, false];
    upstream.state.fault = async () => {
      upstream.state.fault = undefined;
      asked = true;
      await until(() => released);
      return undefined;
    };
    const client = ref(CLIENT);
    const look = env.WRITERS.getByName(`${id}:${shardOf(client, 16)}`).look(id, [
      { ref: client, class: "event" },
    ]);
    await until(() => asked);
    await purge();
    released = true;
    expect(await look).toMatchObject([{ ok: true, decision: "older" }]);
    await gone();
  });

  it("PR4 a first read of a client nobody held, in flight while it is purged, is answered with nothing", async () => {
    upstream.put("clients", { id: "client_79", name: SECRET, updated_at: ago(1) });
    let [asked, released] = [false, false];
    upstream.state.fault = async () => {
      upstream.state.fault = undefined;
      asked = true;
      await until(() => released);
      return undefined;
    };
    await purge();
    const read = app.get("/v1/clients/client_79");
    await until(() => asked);
    await purge("client_79");
    released = true;
    expect((await read).status).toBe(404);
    await gone("client_79");
  });

  it("PR4 a first read by another id, in flight while that id is purged, completes the purge", async () => {
    let [asked, released] = [false, false];
    upstream.state.fault = async () => {
      upstream.state.fault = undefined;
      asked = true;
      const data = { id: CLIENT, organization_id: "org_1", name: SECRET, updated_at: ago(1) };
      await until(() => released);
      return Response.json({ data });
    };
    const read = app.get(`/v1/clients/${NUMBER}`);
    await until(() => asked);
    await purge(NUMBER);
    released = true;
    expect((await read).status).toBe(404);
    await gone(NUMBER);
    await gone();
  });

  it.each([
    ["client.updated", {}],
    ["client.readmitted", {}],
    ["assessment.submitted", {}],
    ["assessment.overdue", { name: SECRET }],
  ])(
    "PR4 %s, queued before the purge or told after it, is settled without a call or a name",
    async (type, data) => {
      await tell(type, { client_id: CLIENT, ...data });
      const before = mirror.events.splice(0);
      await purge();
      upstream.asked.length = 0;
      await tell(type, { client_id: CLIENT, ...data });
      const said = await mirror.consume(
        "mirror-events",
        [...before, ...mirror.events.splice(0)].map((body) => ({ body })),
      );
      expect(said).toEqual([["ack"], ["ack"]]);
      expect(upstream.calls()).toEqual([]);
      expect(await outcomes()).toEqual([
        ["suppressed", undefined],
        ["suppressed", undefined],
      ]);
      await gone();
    },
  );

  it("PR4 neither a sweep, a rebuild, a verifier nor a walk brings it back or counts it as drift", async () => {
    await mirror.admin(`/admin/connections/${id}/sweep`, { json: {} });
    await purge();
    upstream.put("clients", { id: CLIENT, organization_id: "org_1", name: SECRET, updated_at: ago(-30) });
    passSeconds(120);
    const swept = await mirror.admin(`/admin/connections/${id}/sweep`, { json: {} });
    const { data } = await swept.json<{ data: { kind: string; seen: number; drifted: number }[] }>();
    expect(data).toContainEqual(expect.objectContaining({ kind: "clients", seen: 2, drifted: 0 }));
    await mirror.consume("mirror-jobs", [{ body: { job: "sweep", connection: id, kinds: ["verify"] } }]);
    await mirror.admin(`/admin/connections/${id}/rebuild`, { json: {} });
    for (let rounds = 0; mirror.jobs.length > 0 && rounds < 20; rounds++) {
      await mirror.consume(
        "mirror-jobs",
        mirror.jobs.splice(0).map((body) => ({ body })),
      );
    }
    const { clients } = await stores.kinds.drift(id);
    expect(clients).toEqual({ missed: 0, late: 0, rewritten: 0, deleted: 0 });
    await gone();
    expect((await app.get("/v1/clients/client_78")).status).toBe(200);
  });

  it("PR4 neither a look, a backfill, a login nor a replay brings it back", async () => {
    await app.get("/v1/logins", { json: { user_id: "u1", client_id: CLIENT } });
    const jobs = [...mirror.jobs.splice(0), { job: "look", connection: id, ref: ref(CLIENT) }];
    await purge();
    upstream.asked.length = 0;
    const said = await mirror.consume(
      "mirror-jobs",
      jobs.map((body) => ({ body })),
    );
    expect(said).toEqual([["ack"], ["ack"]]);
    const login = await app.get("/v1/logins", { json: { user_id: "u2", client_id: CLIENT } });
    expect(login.status).toBe(404);
    const body = { connection: id, eventId: "evt_x", type: "client.updated", receivedAt: Date.now() };
    await mirror.consume("mirror-dead-letters", [
      { body: { ...body, what: { is: "changed", ref: ref(CLIENT) } } },
    ]);
    expect(await stores.deadLetters.count(id)).toBe(0);
    expect(upstream.calls()).toEqual([]);
    await gone();
  });

  it("PR4 a doubt about it is forgotten by its writer", async () => {
    const client = ref(CLIENT);
    const writer = env.WRITERS.getByName(`${id}:${shardOf(client, 16)}`);
    upstream.remove("clients", CLIENT);
    passSeconds(10);
    const look = () => writer.look(id, [{ ref: client, class: "event" }]);
    expect(await look()).toMatchObject([{ doubt: { about: "gone" } }]);
    await purge();
    const { runInDurableObject } = await import("cloudflare:test");
    const kept = await runInDurableObject(writer, (_, state) => [...state.storage.kv.list()]);
    expect(kept).toEqual([]);
    expect(await look()).toEqual([{ ok: true, decision: "unchanged", suppressed: true }]);
  });
});
