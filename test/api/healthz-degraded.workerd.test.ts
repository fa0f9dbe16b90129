// Is my mirror fresh, and how do I know? What anyone may ask, and what the operator sees.

import { describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";
import { createStores, put } from "../support/stores.ts";
import { createUpstream, UPSTREAM_KEY } from "../support/upstream.ts";

isolateTests();

const stores = createStores();
const silent = { name: "webhook/silent", reason: "Nothing was heard from RCMS for 7 h." };

async function setUp() {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  mirror.jobs.length = 0;
  const healthz = async () => {
    const response = await mirror.fetch("/healthz");
    return { response, text: await response.text() };
  };
  const view = async () => {
    const response = await mirror.admin(`/admin/connections/${id}`);
    return (await response.json<{ data: View }>()).data;
  };
  return {
    upstream,
    mirror,
    id,
    healthz,
    view,
    order: (what: "sweep" | "rebuild", kinds: readonly string[]) =>
      mirror.admin(`/admin/connections/${id}/${what}`, { json: { kinds } }),
    work: () =>
      mirror.consume(
        "mirror-jobs",
        mirror.jobs.splice(0).map((body) => ({ body })),
      ),
  };
}

interface View {
  readonly status: string;
  readonly status_reason: string | null;
  readonly kinds: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly verifier: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

describe("/healthz", () => {
  it("OP1 says degraded while any connection has a problem, and ok once it is mended; always 200", async () => {
    const { healthz, id, mirror } = await setUp();
    expect(JSON.parse((await healthz()).text)).toEqual({
      status: "ok",
      connections: [{ source: "rcms", status: "active" }],
    });
    await stores.connections.raise(id, silent, Date.now());
    const { response, text } = await healthz();
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(JSON.parse(text)).toEqual({
      status: "degraded",
      connections: [{ source: "rcms", status: "degraded" }],
    });
    await stores.connections.clear(id, silent.name);
    expect(JSON.parse((await healthz()).text)).toMatchObject({ status: "ok" });
    await mirror.admin(`/admin/connections/${id}`, { method: "DELETE" });
  });

  it("PR1 tells the public neither ids nor hosts nor reasons", async () => {
    const { healthz, id, mirror } = await setUp();
    await stores.connections.raise(id, silent, Date.now());
    const { text } = await healthz();
    expect(text).not.toMatch(new RegExp(`"${id}"|upstream|heard|mirror|whsec|${UPSTREAM_KEY}`));
    await mirror.admin(`/admin/connections/${id}`, { method: "DELETE" });
  });
});

describe("the operator's view", () => {
  it("OP1 says per kind how fresh it is and how that is known", async () => {
    const { mirror, id, upstream, view } = await setUp();
    const sweep = () => mirror.admin(`/admin/connections/${id}/sweep`, { json: {} });
    await sweep();
    passSeconds(900);
    upstream.put("clients", { id: "client_1", updated_at: ago(400) });
    upstream.put("clients", { id: "client_2", updated_at: ago(30) });
    await sweep();
    await mirror.consume("mirror-jobs", [{ body: { job: "sweep", connection: id, kinds: ["verify"] } }]);
    const { kinds, verifier } = await view();
    expect(kinds.clients).toMatchObject({
      records: 2,
      complete: false,
      watermark: ago(600),
      last_sweep: { at: ago(0), pages: 1, seen: 2, drifted: 2 },
      drift: { missed: 1, late: 1, rewritten: 0, deleted: 0 },
    });
    expect(kinds.reminders).toMatchObject({ records: 0, watermark: null, last_sweep: null });
    expect(verifier).toEqual({
      last_run_at: ago(0),
      checked: 2,
      drifted: 0,
      deletions_noticed_within_minutes: 15,
    });
    await stores.kinds.markComplete(id, "clients");
    expect((await view()).kinds.clients).toMatchObject({ complete: true });
  });

  it("OP1 says what is wrong, when an event came last, how fast it was and what waits", async () => {
    const { mirror, id, upstream, view } = await setUp();
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    await mirror.deliver(id, event("client.updated", { client_id: "client_1" }));
    passSeconds(3);
    await mirror.drain();
    await stores.connections.raise(id, silent, Date.now());
    expect(await view()).toMatchObject({
      status: "degraded",
      status_reason: silent.reason,
      last_event_at: ago(3),
      latency: { p50_ms: 3_000, p95_ms: 3_000, events: 1 },
      dead_letters: 0,
    });
  });

  it("OP1 deletions are noticed within a round of the verifier, and that round is told", async () => {
    const { id, view } = await setUp();

    await stores.records.commit(
      id,
      Array.from({ length: 51 }, (_, i) => put(`client_${i}`)),
    );
    expect((await view()).verifier).toEqual({
      last_run_at: null,
      checked: 0,
      drifted: 0,
      deletions_noticed_within_minutes: 45,
    });
  });

  it("OP1 holds no secret, and needs the operator's token", async () => {
    const { mirror, id } = await setUp();
    const at = `/admin/connections/${id}`;
    const text = await (await mirror.admin(at)).text();
    expect(text).not.toMatch(new RegExp(`${UPSTREAM_KEY}|${secretOf(id)}|whsec_`));
    expect((await mirror.fetch(at)).status).toBe(401);
    const { get } = await mirror.key(id);
    expect((await get(at)).status).toBe(401);
  });
});

describe("what lists and records say", () => {
  const meta = async (response: Response) =>
    (await response.json<{ meta: { as_of: string | null; complete: boolean } }>()).meta;

  it("RD2 a list is as of the last sweep's watermark, less what the upstream may not show yet", async () => {
    const { mirror, id, order } = await setUp();
    const { get } = await mirror.key(id);
    expect(await meta(await get("/v1/clients"))).toEqual({ next_url: null, as_of: null, complete: false });
    const { data } = await (await order("sweep", ["clients"])).json<{ data: { watermark: string }[] }>();
    passSeconds(6);
    const asOf = new Date(Date.parse(data[0]?.watermark ?? "") - 10_000).toISOString();
    expect((await meta(await get("/v1/clients"))).as_of).toBe(asOf);
    expect((await meta(await get("/v1/staff"))).as_of).toBeNull();
    passSeconds(900);
    await order("sweep", ["clients"]);
    passSeconds(6);
    // This upstream tells no time: ten minutes of doubt.
    expect((await meta(await get("/v1/clients"))).as_of).toBe(ago(600 + 10 + 6));
  });

  it("RD2 a record is as of its own fetch or a later sweep that did not return it, less that lag", async () => {
    const { mirror, id, order, upstream } = await setUp();
    const { get } = await mirror.key(id);
    upstream.put("clients", { id: "client_1", updated_at: ago(90_000) });
    const asOf = async () => (await get("/v1/clients/client_1")).headers.get("mirror-as-of");
    // This upstream tells no time: ten minutes of doubt about everything.
    expect(await asOf()).toBe(ago(600 + 10));
    await order("sweep", ["clients"]);
    passSeconds(300);
    // The watermark is older than the fetch.
    expect(await asOf()).toBe(ago(600 + 310));
    passSeconds(900);
    await order("sweep", ["clients"]);
    passSeconds(6);
    expect(await asOf()).toBe(ago(600 + 10 + 6));
    expect(upstream.calls().filter((call) => call.includes("/clients/"))).toHaveLength(1);
  });

  it("RD7 a list is complete once a rebuild has read its kind to the end, and no sooner", async () => {
    const { mirror, id, order, work } = await setUp();
    const { get } = await mirror.key(id);
    const complete = async (kind: string) => (await meta(await get(`/v1/${kind}`))).complete;
    expect(await complete("staff")).toBe(false);
    await order("rebuild", ["staff"]);
    passSeconds(6);
    expect(await complete("staff")).toBe(false);
    for (let jobs = 0; jobs < 9 && mirror.jobs.length > 0; jobs++) await work();
    passSeconds(6);
    expect([await complete("staff"), await complete("clients")]).toEqual([true, false]);
  });
});
