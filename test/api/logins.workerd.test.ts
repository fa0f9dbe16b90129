// Logins: the first hydrates a user's client, the app follows it, and a key learns nothing it may not see.

import { describe, expect, it } from "vitest";
import { rowsOf } from "../support/bindings.ts";
import { ago, isolateTests } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
}

async function setUp(scope: Record<string, unknown> = {}) {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  mirror.jobs.length = 0;
  upstream.put("organizations", { id: "org_1", updated_at: ago(500) });
  upstream.put("clients", { id: "client_1", organization_id: "org_1", updated_at: ago(500) });
  upstream.put("clients", { id: "foreign", organization_id: "org_2", updated_at: ago(500) });
  upstream.putStatus("client_1", { id: "as_1", score: 3 });
  const { get } = await mirror.key(id, scope);
  const login = (client_id: string, user_id = "user-7", more = {}) =>
    get("/v1/logins", { json: { user_id, client_id, ...more } });
  const shown = async (response: Response) => (await response.json<{ data: Shown }>()).data;
  const backfill = async (of: string) => shown(await get(`/v1/backfills/${of}`));
  const work = () =>
    mirror.consume(
      "mirror-jobs",
      mirror.jobs.splice(0).map((body) => ({ body })),
    );
  return { upstream, mirror, id, get, login, shown, backfill, work };
}

/** Everything of an answer but its request id. */
async function whole(response: Response): Promise<string> {
  const requestId = response.headers.get("x-request-id") ?? "none";
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return `${response.status}\n${headers}\n${await response.text()}`.replaceAll(requestId, "<id>");
}

describe("a login", () => {
  it("BF1 is 202 the first time and 200 with the same id afterwards, and its status can be followed", async () => {
    const { login, shown, backfill, work, mirror, get, upstream } = await setUp();
    const first = await login("client_1");
    const queued = await shown(first);
    expect([first.status, queued]).toEqual([
      202,
      { id: queued.id, status: "queued", reason: null, created_at: ago(0), updated_at: ago(0) },
    ]);
    const again = await login("client_1");
    expect([again.status, await shown(again)]).toEqual([200, queued]);
    expect(mirror.jobs).toHaveLength(1);
    expect(upstream.asked).toEqual([]);

    expect(await work()).toEqual([["ack"]]);
    expect(upstream.calls()).toEqual(
      expect.arrayContaining([
        "GET /clients/client_1",
        "GET /clients/client_1/assessment-status",
        "GET /organizations/org_1",
      ]),
    );
    expect(await backfill(queued.id)).toMatchObject({ id: queued.id, status: "done", reason: null });
    const asked = upstream.asked.length;
    for (const path of ["clients/client_1", "clients/client_1/assessment-status", "organizations/org_1"])
      expect((await get(`/v1/${path}`)).status).toBe(200);
    expect(upstream.asked).toHaveLength(asked);
    const last = await login("client_1");
    expect([last.status, (await shown(last)).status, mirror.jobs]).toEqual([200, "done", []]);
  });

  it("PR1 no answer, message or call shows who logged in", async () => {
    const { login, mirror, work, upstream, get } = await setUp();
    const { data } = await (await login("client_1", "jane@example.org")).json<{ data: Shown }>();
    const told = [mirror.jobs, data, await (await get(`/v1/backfills/${data.id}`)).json()];
    await work();
    expect(JSON.stringify([told, upstream.asked])).not.toContain("jane");
  });

  it("BF1 that cannot be hydrated says so, with a reason that names nobody", async () => {
    const { login, shown, backfill, work, upstream } = await setUp();
    upstream.state.fault = () => problem(403);
    const { id } = await shown(await login("client_1"));
    await work();
    expect(await backfill(id)).toMatchObject({
      status: "failed",
      reason: "upstream answered 403: the API key may not read this",
    });
  });

  it("BF1 of a client who came back hydrates anew", async () => {
    const { login, shown, work, mirror, id, upstream } = await setUp();
    const before = await shown(await login("client_1"));
    await work();
    upstream.put("clients", { id: "client_1", organization_id: "org_1", updated_at: ago(1) });
    await mirror.deliver(id, event("client.readmitted", { client_id: "client_1" }));
    await mirror.drain();
    const after = await login("client_1");
    expect(after.status).toBe(202);
    expect((await shown(after)).id).not.toBe(before.id);
  });

  it.each([
    ["no user", { user_id: undefined }, "user_id"],
    ["an empty user", { user_id: "" }, "user_id"],
    ["an endless user", { user_id: "x".repeat(129) }, "user_id"],
    ["a user that is no text", { user_id: 7 }, "user_id"],
    ["no client", { client_id: undefined }, "client_id"],
    ["a client that is no id", { client_id: "../staff" }, "client_id"],
    ["something unknown", { organization_id: "org_1" }, ""],
  ])("BF1 with %s is 400 and queues nothing", async (_what, more, path) => {
    const { login, mirror, id } = await setUp();
    const error = await expectError(await login("client_1", "user-7", more), 400, "invalid_request");
    expect(error.issues?.map((issue) => issue.path)).toEqual([path]);
    expect(mirror.jobs).toEqual([]);
    expect(await rowsOf("SELECT 1 FROM backfills WHERE connection_id = ?1", id)).toEqual([]);
  });
});

describe("what a key may see", () => {
  it("RD6 of a key bound to organizations: a foreign client and an absent one are answered alike", async () => {
    const { login, mirror, id } = await setUp({ organizations: ["org_1"] });
    const answer = await whole(await login("foreign"));
    expect(answer).toBe(await whole(await login("absent")));
    expect(answer).toMatch(/^404\n/);
    expect(mirror.jobs).toEqual([]);
    expect(await rowsOf("SELECT 1 FROM backfills WHERE connection_id = ?1", id)).toEqual([]);
    expect((await login("client_1")).status).toBe(202);
  });

  it("RD6 another's backfill and one that is not there are answered alike", async () => {
    const { login, shown, mirror, id, backfill } = await setUp();
    const { id: foreign } = await shown(await login("foreign"));
    const scoped = await mirror.key(id, { organizations: ["org_1"] });
    const json = { user_id: "user of an app", client_id: "client_1" };
    const { id: own } = await shown(await scoped.get("/v1/logins", { json }));
    const answer = await whole(await scoped.get(`/v1/backfills/${foreign}`));
    expect(answer).toBe(await whole(await scoped.get("/v1/backfills/nobody")));
    expect((await scoped.get(`/v1/backfills/${own}`)).status).toBe(200);
    expect((await backfill(foreign)).status).toBe("queued");
  });

  it("RD6 another connection's key finds none of these", async () => {
    const { login, shown, mirror } = await setUp();
    const { id } = await shown(await login("client_1"));
    const other = newConnectionId();
    await mirror.connect(other);
    const { get } = await mirror.key(other);
    await expectError(await get(`/v1/backfills/${id}`), 404, "not_found");
  });

  it("RD6 a key that may not read clients may not log them in", async () => {
    const { login, get, mirror } = await setUp({ kinds: ["staff"] });
    await expectError(await login("client_1"), 403, "forbidden");
    await expectError(await get("/v1/backfills/any"), 403, "forbidden");
    expect(mirror.jobs).toEqual([]);
  });
});
