// Changing the fields a connection keeps: what is stored follows, and nothing in flight brings a field back.

import { beforeEach, describe, expect, it } from "vitest";
import type { ConnectionId, Kind } from "../../src/core/ids.ts";
import { shardOf } from "../../src/core/shard.ts";
import { env, rowsOf } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { ref } from "../support/stores.ts";
import { until } from "../support/until.ts";
import { createUpstream, type TestUpstream } from "../support/upstream.ts";

isolateTests();

const mirror = createMirror();
let id: ConnectionId;
let upstream: TestUpstream;
let app: Awaited<ReturnType<typeof mirror.key>>;

const full = (name: string) => ({
  id: name,
  organization_id: "org_1",
  status: "active",
  note: `secret of ${name}`,
  updated_at: ago(60),
});

beforeEach(async () => {
  upstream = createUpstream();
  upstream.install();
  id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  app = await mirror.key(id);
  mirror.events.length = 0;
  mirror.jobs.length = 0;
});

const put = (fields: unknown, method = "PUT") =>
  mirror.admin(`/admin/connections/${id}/fields`, { method, body: JSON.stringify({ fields }) });

async function work(rounds = 20): Promise<void> {
  for (let i = 0; mirror.jobs.length > 0 && i < rounds; i++) {
    await mirror.consume(
      "mirror-jobs",
      mirror.jobs.splice(0).map((body) => ({ body })),
    );
  }
}

async function mirrored(...names: string[]): Promise<void> {
  for (const name of names) {
    upstream.put("clients", full(name));
    expect((await app.get(`/v1/clients/${name}`)).status).toBe(200);
  }
}

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly hash: string;
  readonly body: string;
  readonly status: string | null;
}
const rows = (kind: Kind = "clients") =>
  rowsOf<Row>(
    "SELECT id, seq, hash, body, status FROM records WHERE connection_id = ?1 AND kind = ?2 ORDER BY id",
    id,
    kind,
  );
const pending = async () =>
  (await (await mirror.admin(`/admin/connections/${id}/fields`)).json<{ data: { pending: string[] } }>()).data
    .pending;

describe("narrowing", () => {
  it("PR3 cuts what is stored, tells the feed, and equals what a fetch would bring: no drift after it", async () => {
    await mirrored("c1", "c2");
    const before = await rows();
    const response = await put({ clients: ["updated_at"] });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({
      data: { id, fields: { clients: ["updated_at"] }, narrowed: ["clients"], widened: [] },
    });
    expect(await pending()).toEqual(["clients"]);
    await work();
    expect(await pending()).toEqual([]);
    const after = await rows();
    expect(after.map(({ body, status }) => [JSON.parse(body), status])).toEqual(
      ["c1", "c2"].map((name) => [{ id: name, updated_at: full(name).updated_at }, null]),
    );
    const last = Math.max(...before.map(({ seq }) => seq));
    expect(after.map(({ seq }) => seq)).toEqual([last + 1, last + 2]);
    expect(JSON.stringify(await rowsOf("SELECT * FROM records"))).not.toContain("secret of c1");

    const looked = await env.WRITERS.getByName(`${id}:${shardOf(ref("c1"), 16)}`).look(id, [
      { ref: ref("c1"), class: "event" },
    ]);
    expect(looked).toMatchObject([{ ok: true, decision: "unchanged" }]);
    expect(await rows()).toEqual(after);
  });

  it("PR3 a fetch in flight under the older list is refused, and its next look keeps what is allowed", async () => {
    await mirrored("c1");
    upstream.put("clients", { ...full("c1"), note: "newer secret", updated_at: ago(1) });
    let [asked, released] = [false, false];
    upstream.state.fault = async () => {
      upstream.state.fault = undefined;
      asked = true;
      await until(() => released);
      return undefined;
    };
    const writer = env.WRITERS.getByName(`${id}:${shardOf(ref("c1"), 16)}`);
    const ask = { ref: ref("c1"), class: "event" as const };
    const look = writer.look(id, [ask]);
    await until(() => asked);
    await put({ clients: ["updated_at"] });
    await work();
    released = true;
    expect(await look).toEqual([{ ok: false, failure: { kind: "interrupted" } }]);
    expect(JSON.stringify(await rows())).not.toContain("secret");
    expect(await writer.look(id, [ask])).toMatchObject([{ ok: true, decision: "update" }]);
    expect(JSON.stringify(await rows())).not.toContain("secret");
  });

  it("PR3 a page read under the older list comes back, and a reminder queued before the change is cut", async () => {
    await mirror.deliver(id, event("assessment.due_soon", { client_id: "c9", note: "secret of c9" }));
    const [held] = mirror.events.splice(0);
    const stale = {
      ...ref("c1"),
      fetchedAt: Date.now(),
      terminal: false,
      hash: "h",
      body: '{"id":"c1","note":"secret"}',
    };
    await put({ clients: ["updated_at"], reminders: ["client_id"] });
    const offered = await env.WRITERS.getByName(`${id}:${shardOf(ref("c1"), 16)}`).offer(id, [stale]);
    expect(offered).toEqual([{ ok: false, failure: { kind: "interrupted" } }]);
    expect(await mirror.consume("mirror-events", [{ body: held }])).toEqual([["ack"]]);
    expect(await rows()).toEqual([]);
    const [reminder] = await rows("reminders");
    expect(reminder?.body).toContain("c9");
    expect(reminder?.body).not.toContain("secret");
  });

  it("PR3 reminders keep what is ours of them, acknowledged or not", async () => {
    await mirror.deliver(id, event("assessment.due_soon", { client_id: "c9", note: "secret of c9" }));
    await mirror.drain();
    const [{ id: name } = { id: "" }] = await rows("reminders");
    await put({ reminders: ["client_id"] });
    expect((await app.get(`/v1/reminders/${name}/ack`, { method: "POST" })).status).toBe(200);
    await work();
    const [reminder] = await rows("reminders");
    expect(JSON.parse(reminder?.body ?? "")).toMatchObject({ client_id: "c9", status: "acknowledged" });
    expect(reminder).toMatchObject({ status: "acknowledged" });
    expect(reminder?.body).not.toContain("secret");
  });
});

describe("widening", () => {
  it("PR3 fetches the kinds again, also where the upstream's instant is the same", async () => {
    await put({ clients: ["updated_at"], staff: ["id"] });
    const { updated_at } = full("c1");
    await mirrored("c1");
    expect((await rows())[0]?.body).not.toContain("status");
    passSeconds(5);
    const response = await put({ clients: ["updated_at", "status"], staff: ["id"] });
    expect(await response.json()).toMatchObject({ data: { narrowed: [], widened: ["clients"] } });
    passSeconds(1);
    await work();
    expect(JSON.parse((await rows())[0]?.body ?? "")).toEqual({
      id: "c1",
      status: "active",
      updated_at,
    });
    expect(await pending()).toEqual([]);
    const rebuilt = await mirror.admin(`/admin/connections/${id}/rebuild`);
    const { data } = await rebuilt.json<{ data: { kind: string; status: string }[] }>();
    expect(data.map(({ kind, status }) => [kind, status])).toEqual([["clients", "done"]]);
  });

  it("PR3 waits for a rebuild that began under the older list, and orders its own after it", async () => {
    await put({ clients: ["updated_at"] });
    await mirrored("c1");
    await work();
    await mirror.admin(`/admin/connections/${id}/rebuild`, { json: { kinds: ["clients"] } });
    const [older] = mirror.jobs.splice(0);
    passSeconds(1);
    await put({});
    await work();
    expect(await pending()).toEqual(["clients"]);
    await mirror.consume("mirror-jobs", [{ body: older }]);
    await work();
    passSeconds(1_000);
    const { default: worker } = await import("../../src/index.ts");
    await worker.scheduled({ cron: "*/15 * * * *" } as ScheduledController, mirror.env);
    await work();
    expect(await pending()).toEqual([]);
    expect((await rows())[0]?.body).toContain("secret of c1");
  });
});

describe("the request", () => {
  it("PR3 the same list again does nothing; unknown kinds, fields of no kind and connections are refused", async () => {
    await put({ clients: ["status", "updated_at"] });
    await work();
    const again = await put({ clients: ["updated_at", "id", "status"] });
    expect(await again.json()).toMatchObject({ data: { narrowed: [], widened: [] } });
    expect(mirror.jobs).toEqual([]);
    await expectError(await put({ nonsense: ["id"] }), 400, "invalid_request");
    await expectError(await put("clients"), 400, "invalid_request");
    id = "nowhere" as ConnectionId;
    await expectError(await put({}), 404, "not_found");
  });
});
