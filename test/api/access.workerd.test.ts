// The access log from a read to the operator's list.

import { beforeEach, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import worker from "../../src/index.ts";
import { env } from "../support/bindings.ts";
import { ago, isolateTests, logged, NOW, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, type Mirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

interface Entry {
  readonly id: string;
  readonly key: string;
  readonly action: string;
  readonly kind: string | null;
  readonly record_id: string | null;
  readonly records: number | null;
  readonly status: number;
}
interface Page {
  readonly data: readonly Entry[];
  readonly meta: { readonly next_before: string | null };
}

const mirror = createMirror();
let id: ConnectionId;
let app: Awaited<ReturnType<typeof mirror.key>>;

beforeEach(async () => {
  const upstream = createUpstream();
  upstream.install();
  upstream.put("clients", { id: "client_1", name: "Ada-Lovelace", updated_at: ago(60) });
  upstream.putStatus("client_1", { id: "client_1", updated_at: ago(60) });
  id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  app = await mirror.key(id);
  mirror.access.length = 0;
});

async function keep(of: Mirror = mirror) {
  return of.consume(
    "mirror-access",
    of.access.splice(0).map((body) => ({ body })),
  );
}

const list = async (query = `connection=${id}`) =>
  (await mirror.admin(`/admin/access?${query}`)).json<Page>();
const short = ({ action, kind, record_id, records, status }: Entry) => [
  action,
  kind,
  record_id,
  records,
  status,
];

describe("the access log", () => {
  it("PR6 notes every kind of request with its key, subject or count, and answer; and no content", async () => {
    await mirror.deliver(id, event("assessment.due_soon", { client_id: "client_1" }));
    await mirror.drain();
    const reminders = await (await app.get("/v1/reminders")).json<{ data: { id: string }[] }>();
    const reminder = reminders.data[0]?.id;
    const asked = [
      ["/v1/clients/client_1", {}],
      ["/v1/clients/client_1/assessment-status", {}],
      ["/v1/clients/nobody", {}],
      ["/v1/clients?limit=0", {}],
      ["/v1/clients", {}],
      ["/v1/staff/Ada%20Lovelace", {}],
      ["/v1/nonsense/Ada-Lovelace", {}],
      [`/v1/reminders/${reminder}/ack`, { method: "POST" }],
      ["/v1/logins", { json: { user_id: "u", client_id: "client_1" } }],
    ] as const;
    for (const [path, init] of asked) {
      passSeconds(1);
      await app.get(path, init);
    }
    await mirror.as("rmk_not-a-key")("/v1/clients");
    expect(JSON.stringify(mirror.access)).not.toContain("Ada");
    expect((await keep()).flat()).toEqual(Array.from({ length: 10 }, () => "ack"));
    const { data, meta } = await list();
    expect(data.map(short).reverse()).toEqual([
      ["list", "reminders", null, 1, 200],
      ["read", "clients", "client_1", null, 200],
      ["read", "assessment-status", "client_1", null, 200],
      ["read", "clients", "nobody", null, 404],
      ["list", "clients", null, null, 400],
      ["list", "clients", null, 1, 200],
      ["read", "staff", null, null, 404],
      ["other", null, null, null, 404],
      ["ack", "reminders", reminder, null, 200],
      ["login", "clients", "client_1", null, 202],
    ]);
    expect(new Set(data.map(({ key }) => key))).toEqual(new Set([app.id]));
    expect(meta).toEqual({ next_before: null });
  });

  it("PR6 is read by key, newest first, page by page, and a message that comes twice is told once", async () => {
    const other = await mirror.key(id);
    for (let n = 0; n < 5; n++) {
      passSeconds(1);
      await (n % 2 === 0 ? app : other).get(`/v1/clients/c${n}`);
    }
    mirror.access.push(...mirror.access);
    await keep();
    const [first, second] = [await list(`connection=${id}&limit=3`), [] as Entry[]];
    expect(first.data.map((one) => one.record_id)).toEqual(["c4", "c3", "c2"]);
    second.push(...(await list(`connection=${id}&limit=3&before=${first.meta.next_before}`)).data);
    expect(second.map((one) => one.record_id)).toEqual(["c1", "c0"]);
    expect((await list(`key=${other.id}`)).data.map((one) => one.record_id)).toEqual(["c3", "c1"]);
    expect((await list("limit=500")).data.map((one) => one.record_id)).toEqual(
      expect.arrayContaining(["c4", "c3", "c2", "c1", "c0"]),
    );
    await expectError(await mirror.admin("/admin/access?before=yesterday"), 400, "invalid_request");
    await expectError(await app.get("/admin/access"), 401, "unauthorized");
  });

  it("PR6 a queue that refuses leaves the entry in the table; a database that is away leaves it on the queue", async () => {
    const full = { send: () => Promise.reject(new Error("full")) } as unknown as Queue;
    const strained = createMirror({ ACCESS: full });
    const key = await strained.key(id);
    await key.get("/v1/clients/c1");
    expect((await list()).data.map(short)).toEqual([["read", "clients", "c1", null, 404]]);

    passSeconds(1);
    await app.get("/v1/clients/c2");
    const [waiting] = mirror.access;
    await env.DB.prepare("ALTER TABLE access_log RENAME TO away").run();
    logged();
    expect(await keep()).toEqual([[{ retry: 4 }]]);
    await key.get("/v1/clients/c3");
    expect(logged().join()).toContain('"event":"access_lost","entries":1');
    await env.DB.prepare("ALTER TABLE away RENAME TO access_log").run();
    expect(await mirror.consume("mirror-dead-letters", [{ body: waiting }])).toEqual([["ack"]]);
    expect((await list()).data.map((one) => one.record_id)).toEqual(["c2", "c1"]);
  });

  it("PR6 a message nobody of ours wrote is logged by its queue and not retried", async () => {
    expect(await mirror.consume("mirror-access", [{ body: { access: [{ at: "Ada" }] } }])).toEqual([["ack"]]);
    expect(logged().join()).toContain('"event":"message_unreadable","queue":"access"');
  });

  it("PR6 is kept for so many days, for none where the operator wants none", async () => {
    for (const path of ["/v1/clients/old", "/v1/clients/young"]) {
      await app.get(path);
      await keep();
      passSeconds(40 * 86_400);
    }
    passSeconds(11 * 86_400);
    await worker.scheduled({ cron: "17 3 * * *" } as ScheduledController, mirror.env);
    expect((await list()).data.map((one) => one.record_id)).toEqual(["young"]);
    expect(NOW).toBeLessThan(Date.now());

    const without = createMirror({ ACCESS_LOG_DAYS: "0" });
    await (await without.key(id)).get("/v1/clients/c1");
    expect(without.access).toEqual([]);
  });
});
