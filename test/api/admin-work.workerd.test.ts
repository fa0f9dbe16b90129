// Work an operator orders, and what lists and records say once it was done.

import { describe, expect, it } from "vitest";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

const KINDS = ["organizations", "staff", "clients", "assessment-status"];

async function setUp(webhook: Record<string, unknown> = { public_url: "https://mirror.example" }) {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id, { webhook });
  mirror.jobs.length = 0;
  upstream.asked.length = 0;
  const at = `/admin/connections/${id}`;
  const data = async <T>(response: Response | Promise<Response>) =>
    (await (await response).json<{ data: T }>()).data;
  const { get } = await mirror.key(id);
  return {
    upstream,
    mirror,
    id,
    at,
    get,
    data,
    post: (path: string, json: unknown = {}) => mirror.admin(`${at}/${path}`, { json }),
    sweep: (kinds?: string[]) => data<Swept[]>(mirror.admin(`${at}/sweep`, { json: kinds ? { kinds } : {} })),
    work: () =>
      mirror.consume(
        "mirror-jobs",
        mirror.jobs.splice(0).map((body) => ({ body })),
      ),
  };
}

interface Swept {
  readonly kind: string;
  readonly watermark: string | null;
  readonly finished: boolean;
  readonly reason: string | null;
}

interface Meta {
  readonly meta: { readonly as_of: string | null; readonly complete: boolean };
}

describe("POST …/sweep", () => {
  it("SW1 sweeps every kind now: a baseline first, then what changed", async () => {
    const { sweep, upstream, get } = await setUp();
    upstream.put("clients", { id: "client_1", updated_at: ago(3_600) });
    const first = await sweep();
    expect(first.map(({ kind, finished }) => [kind, finished])).toEqual(KINDS.map((kind) => [kind, true]));
    // This upstream tells no time: ten minutes of doubt.
    expect(first[2]).toEqual({
      kind: "clients",
      pages: 1,
      seen: 0,
      drifted: 0,
      watermark: ago(600),
      finished: true,
      reason: null,
    });
    expect(first[3]).toMatchObject({ kind: "assessment-status", watermark: null });
    passSeconds(900);
    upstream.put("clients", { id: "client_2", updated_at: ago(500) });
    expect(await sweep(["clients"])).toMatchObject([
      { kind: "clients", seen: 1, drifted: 1, finished: true },
    ]);
    const { data } = await (await get("/v1/clients")).json<{ data: { id: string }[] }>();
    expect(data.map((client) => client.id)).toEqual(["client_2"]);
  });

  it("SW3 what one run cannot finish goes on through the queue, and a failure says why", async () => {
    const { upstream, mirror, id, at } = await setUp();
    const small = createMirror({ SWEEP_PAGES_PER_RUN: "2", JOBS: mirror.env.JOBS });
    const sweep = () => small.admin(`${at}/sweep`, { json: { kinds: ["clients"] } });
    await sweep();
    passSeconds(900);
    upstream.state.pageSize = 1;
    for (let i = 0; i < 5; i++) upstream.put("clients", { id: `client_${i}`, updated_at: ago(300 - i) });
    expect(await (await sweep()).json()).toMatchObject({
      data: [{ pages: 2, finished: false, reason: null }],
    });
    expect(mirror.jobs).toEqual([{ job: "sweep", connection: id, kinds: ["clients"], failures: 0 }]);
    upstream.state.fault = () => problem(500);
    expect(await (await sweep()).json()).toMatchObject({
      data: [{ finished: false, reason: "upstream answered 500" }],
    });
  });

  it("AD1 refuses kinds nobody sweeps and connections that are not there", async () => {
    const { post, mirror } = await setUp();
    for (const kinds of [[], ["reminders"], ["verify"], ["invoices"], "clients"])
      await expectError(await post("sweep", { kinds }), 400, "invalid_request");
    await expectError(await mirror.admin("/admin/connections/nobody/sweep", { json: {} }), 404, "not_found");
  });
});

describe("…/rebuild", () => {
  interface Progress {
    readonly kind: string;
    readonly status: string;
    readonly records: number;
  }

  it("RB1 is 202 at once, can be followed, and ends complete", async () => {
    const { post, data, mirror, at, upstream, work, get } = await setUp();
    for (let i = 0; i < 3; i++) upstream.put("clients", { id: `client_${i}`, updated_at: ago(90_000) });
    const ordered = await post("rebuild");
    expect(ordered.status).toBe(202);
    const [first] = await data<Progress[]>(ordered);
    expect(first).toEqual({
      kind: "organizations",
      status: "queued",
      reason: null,
      pages: 0,
      records: 0,
      written: 0,
      estimated_records: 0,
      estimated_seconds_left: null,
      started_at: ago(0),
      updated_at: ago(0),
    });
    expect(upstream.asked).toEqual([]);
    for (let jobs = 0; jobs < 20 && mirror.jobs.length > 0; jobs++) await work();
    const progress = await data<Progress[]>(mirror.admin(`${at}/rebuild`));
    expect(progress.map(({ kind, status }) => [kind, status])).toEqual(KINDS.map((kind) => [kind, "done"]));
    expect(progress[2]).toMatchObject({ records: 3, written: 3, estimated_records: 3, pages: 1 });
    const list = await (await get("/v1/clients")).json<Meta & { data: unknown[] }>();
    expect([list.data.length, list.meta.complete]).toEqual([3, true]);
  });

  it("RB1 can be cancelled: what was under way is counted, and asks nothing more", async () => {
    const { post, data, mirror, at, work, upstream } = await setUp();
    await post("rebuild", { kinds: ["staff", "clients"] });
    const cancel = () => data(mirror.admin(`${at}/rebuild`, { method: "DELETE" }));
    expect([await cancel(), await cancel()]).toEqual([{ cancelled: 2 }, { cancelled: 0 }]);
    expect(await work()).toEqual([["ack"]]);
    expect(upstream.asked).toEqual([]);
  });

  it("AD1 of a connection that is not there is 404, of kinds nobody rebuilds 400", async () => {
    const { mirror, post } = await setUp();
    const nobody = "/admin/connections/nobody/rebuild";
    for (const init of [{ json: {} }, {}, { method: "DELETE" }])
      await expectError(await mirror.admin(nobody, init), 404, "not_found");
    await expectError(await post("rebuild", { kinds: ["reminders"] }), 400, "invalid_request");
  });
});

describe("POST …/deliveries", () => {
  const entry = (event_id: string, status: string, attempt_count = 1, secondsAgo = 600) => ({
    event_id,
    event_type: "client.updated",
    status,
    attempt_count,
    created_at: ago(secondsAgo),
    last_attempt_at: ago(secondsAgo),
  });

  it("SUB2 reads the upstream's log now and holds it against the ledger", async () => {
    const { post, upstream } = await setUp();
    const data = [
      entry("evt_old", "failed", 9, 900),
      entry("evt_lost", "delivered"),
      entry("evt_new", "failed", 3, 60),
    ];
    upstream.state.fault = ({ url }) =>
      url.endsWith("/deliveries") ? Response.json({ data }) : problem(404);
    const shown = (one: (typeof data)[number]) => ({
      event_id: one.event_id,
      type: "client.updated",
      status: one.status,
      attempts: one.attempt_count,
      created_at: one.created_at,
    });
    expect(await (await post("deliveries")).json()).toEqual({
      data: {
        webhook: "active",
        deliveries: 3,
        failures_in_a_row: 3,
        failed: data
          .filter(({ status }) => status === "failed")
          .reverse()
          .map(shown),
        missing: [shown(entry("evt_lost", "delivered"))],
      },
    });
  });

  it("SUB2 says when the webhook is gone, disabled, or not ours to ask about", async () => {
    const webhook = async (fault: (request: Request) => Response, own?: Record<string, unknown>) => {
      const { post, upstream } = await setUp(own);
      upstream.state.fault = fault;
      return (await (await post("deliveries")).json<{ data: { webhook: string } }>()).data.webhook;
    };
    const disabled = ({ url }: Request) =>
      url.endsWith("/deliveries")
        ? Response.json({ data: [] })
        : Response.json({ data: { status: "disabled" } });
    expect(await webhook(() => problem(404))).toBe("missing");
    expect(await webhook(disabled)).toBe("disabled");
    expect(await webhook(() => problem(500), { signing_secret: "whsec_by_hand_1" })).toBe("unknown");
  });

  it("SUB2 a log that cannot be read is 502 with the reason", async () => {
    const { post, upstream, mirror } = await setUp();
    upstream.state.fault = () => problem(503);
    const error = await expectError(await post("deliveries"), 502, "upstream_refused");
    expect(error.message).toContain("upstream answered 503");
    const nobody = "/admin/connections/nobody/deliveries";
    await expectError(await mirror.admin(nobody, { json: {} }), 404, "not_found");
  });
});
