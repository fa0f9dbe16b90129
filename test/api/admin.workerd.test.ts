// The operator's routes: connections as they stand, keys, secrets and resuming.

import { describe, expect, it } from "vitest";
import { rowsOf } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream, UPSTREAM, UPSTREAM_KEY } from "../support/upstream.ts";

isolateTests();

async function connected() {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  mirror.jobs.length = 0;
  const read = async <T = Record<string, unknown>>(path: string) =>
    (await (await mirror.admin(path)).json<{ data: T }>()).data;
  return { upstream, mirror, id, read };
}

describe("connections", () => {
  it("AD1 one connection as it stands: what came, how fast, and what waits", async () => {
    const { upstream, mirror, id, read } = await connected();
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    await mirror.deliver(id, event("client.updated", { client_id: "client_1" }));
    passSeconds(2);
    await mirror.drain();
    const view = await read(`/admin/connections/${id}`);
    expect(view).toMatchObject({
      id,
      source: "rcms",
      base_url: UPSTREAM,
      status: "active",
      status_reason: null,
      last_event_at: ago(2),
      latency: { p50_ms: 2_000, p95_ms: 2_000, events: 1 },
      dead_letters: 0,
      kinds: { clients: { records: 1 }, staff: { records: 0 } },
    });
    expect(await read<{ id: string }[]>("/admin/connections")).toContainEqual(view);
    expect(JSON.stringify(view)).not.toMatch(new RegExp(`${UPSTREAM_KEY}|whsec_`));
  });

  it("AD1 unknown connections are 404 everywhere", async () => {
    const { mirror } = await connected();
    for (const id of ["nobody", "NO", "a".repeat(10_000), "%2e%2e"]) {
      const at = `/admin/connections/${id}`;
      await expectError(await mirror.admin(at), 404, "not_found");
      await expectError(await mirror.admin(at, { method: "DELETE" }), 404, "not_found");
      await expectError(await mirror.admin(`${at}/resume`, { json: {} }), 404, "not_found");
      const json = { signing_secret: "whsec_0123456789" };
      await expectError(await mirror.admin(`${at}/secrets`, { json }), 404, "not_found");
    }
  });

  it("AD1 a secret that is none is 400, an added one is never shown", async () => {
    const { mirror, id } = await connected();
    const post = (json: unknown) => mirror.admin(`/admin/connections/${id}/secrets`, { json });
    for (const signing_secret of [
      undefined,
      "",
      "short",
      "with space inside",
      "x".repeat(257),
      "é".repeat(9),
      7,
    ]) {
      await expectError(await post({ signing_secret }), 400, "invalid_request");
    }
    await expectError(await post({ signing_secret: "whsec_0123456789", extra: 1 }), 400, "invalid_request");
    const added = await post({ signing_secret: "whsec_0123456789" });
    expect([added.status, await added.text()]).toEqual([201, `{"data":{"id":"${id}"}}`]);
  });
});

describe("a pause", () => {
  async function paused() {
    const given = await connected();
    const { upstream, mirror, id } = given;
    upstream.put("clients", { id: "client_1", updated_at: ago(5) });
    upstream.state.key = "another-key";
    await mirror.deliver(id, event("client.updated", { client_id: "client_1" }));
    expect(await mirror.drain()).toEqual([["ack"]]);
    passSeconds(1);
    const resume = (json: unknown = {}) => mirror.admin(`/admin/connections/${id}/resume`, { json });
    const replayed = async () => {
      await mirror.consume(
        "mirror-jobs",
        mirror.jobs.splice(0).map((body) => ({ body })),
      );
      await mirror.drain();
    };
    return { ...given, resume, replayed };
  }

  it("WR8 a rejected key pauses the connection, says so, and burns no further call", async () => {
    const { upstream, mirror, id, read } = await paused();
    expect(await read(`/admin/connections/${id}`)).toMatchObject({
      status: "paused",
      status_reason: expect.stringContaining("API key"),
      dead_letters: 1,
    });
    expect(await (await mirror.fetch("/healthz")).json()).toMatchObject({ status: "degraded" });
    await mirror.deliver(id, event("client.updated", { client_id: "client_2" }));
    expect(await mirror.drain()).toEqual([["ack"]]);
    expect(upstream.asked).toHaveLength(1);
    expect(await read(`/admin/dead-letters?connection=${id}`)).toHaveLength(2);
  });

  it("AD1 resuming with the key as it is replays what was parked", async () => {
    const { upstream, mirror, id, read, resume, replayed } = await paused();
    upstream.state.key = UPSTREAM_KEY;
    expect(await (await resume()).json()).toEqual({ data: { id, status: "active" } });
    expect(mirror.jobs).toMatchObject([{ job: "replay", connection: id }]);
    await replayed();
    expect(await read(`/admin/connections/${id}`)).toMatchObject({
      status: "active",
      status_reason: null,
      dead_letters: 0,
      kinds: { clients: { records: 1 } },
    });
  });

  it("AD1 resuming with a new key uses it from then on", async () => {
    const { upstream, id, read, resume, replayed } = await paused();
    expect((await resume({ api_key: "another-key" })).status).toBe(200);
    await replayed();
    expect(upstream.asked.at(-1)?.authorization).toBe("Bearer another-key");
    expect(await read(`/admin/connections/${id}`)).toMatchObject({ kinds: { clients: { records: 1 } } });
  });

  it("AD1 resuming with a key that cannot be one is 400 and leaves the pause", async () => {
    const { id, read, resume } = await paused();
    await expectError(await resume({ api_key: "two words" }), 400, "invalid_request");
    await expectError(await resume({ key: "another-key" }), 400, "invalid_request");
    expect(await read(`/admin/connections/${id}`)).toMatchObject({ status: "paused" });
  });

  it("AD1 a key of the other environment is refused when resuming, too", async () => {
    const { mirror } = await connected();
    const id = newConnectionId();
    await mirror.connect(id, { base_url: "https://api.measurerecovery.com/v1", api_key: "rcms_live_0123" });
    const json = { api_key: "rcms_test_0123" };
    const response = await mirror.admin(`/admin/connections/${id}/resume`, { json });
    expect((await expectError(response, 400, "invalid_request")).issues?.[0]?.path).toBe("api_key");
  });
});

describe("keys", () => {
  it("AD1 a key is shown once; lists and tables hold its hash alone", async () => {
    const { mirror, id, read } = await connected();
    const json = { connection: id, name: "app", organizations: ["org_1"], kinds: ["clients"] };
    const created = await mirror.admin("/admin/keys", { json });
    const { data } = await created.json<{ data: { id: string; key: string } }>();
    const { key, ...shown } = data;
    expect([created.status, key]).toEqual([201, expect.stringMatching(/^rmk_[\w-]{43}$/)]);
    expect(shown).toMatchObject({ ...json, created_at: ago(0), expires_at: null });
    expect(await read<unknown[]>("/admin/keys")).toContainEqual(shown);
    const stored = JSON.stringify(await rowsOf("SELECT * FROM api_keys"));
    expect(stored).not.toContain(key.slice(4));
    expect(stored).toContain(data.id);
  });

  it("AD1 two keys are never alike, and a deleted one is 404 the second time", async () => {
    const { mirror, id } = await connected();
    const [one, other] = [await mirror.key(id), await mirror.key(id)];
    expect(one.key).not.toBe(other.key);
    const remove = () => mirror.admin(`/admin/keys/${one.id}`, { method: "DELETE" });
    expect(await (await remove()).json()).toEqual({ data: { id: one.id } });
    await expectError(await remove(), 404, "not_found");
    expect((await other.get("/v1/clients")).status).toBe(200);
  });

  it.each([
    ["no connection", { connection: undefined }, "connection"],
    ["a connection that is not there", { connection: "nobody" }, "connection"],
    ["no name", { name: "" }, "name"],
    ["no organization at all", { organizations: [] }, "organizations"],
    ["an organization that is none", { organizations: ["a b"] }, "organizations.0"],
    ["no kind at all", { kinds: [] }, "kinds"],
    ["an unknown kind", { kinds: ["invoices"] }, "kinds.0"],
    ["an expiry that is no instant", { expires_at: "soon" }, "expires_at"],
    ["something unknown", { admin: true }, ""],
  ])("AD1 a key with %s is 400", async (_what, more, path) => {
    const { mirror, id } = await connected();
    const response = await mirror.admin("/admin/keys", { json: { connection: id, name: "app", ...more } });
    const error = await expectError(response, 400, "invalid_request");
    expect(error.issues?.map((issue) => issue.path)).toEqual([path]);
  });
});
