// What the mirror is measured against: Hono doing the bare minimum of each job, on the same runtime and the same
// tables. No checks, no freshness, no log.

import { DurableObject } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { drizzle } from "drizzle-orm/d1";
import { Hono } from "hono";
import type { ConnectionId, Ref } from "../../src/core/ids.ts";
import { recordStore } from "../../src/store/records.ts";
import { bodyOf } from "./bodies.ts";

interface BareEnv {
  readonly DB: D1Database;
  readonly EVENTS: Queue;
  readonly WRITERS: DurableObjectNamespace<NaiveWriter>;
}

interface Row {
  readonly kind: string;
  readonly id: string;
  readonly seq: number;
  readonly hash: string;
  readonly body: string;
}

const JSON_TYPE = { "content-type": "application/json" };

const ONE = `
SELECT kind, id, seq, updated_at AS updatedAt, fetched_at AS fetchedAt, hash, organization_id AS organizationId,
       client_id AS clientId, status, terminal, deleted_at AS deletedAt, body, as_of AS asOf
FROM records WHERE connection_id = ?1 AND kind = ?2 AND id = ?3`;

const PAGE = `
SELECT * FROM records WHERE connection_id = ?1 AND kind = ?2 AND deleted_at IS NULL
ORDER BY updated_at, id LIMIT ?3`;

/** The mirror's two statements for a feed page: where the window ends, and what is in it. */
const EDGE = `
SELECT max(seq) AS last, count(*) AS scanned FROM (
  SELECT seq FROM records WHERE connection_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3)`;
const FEED = `
SELECT * FROM records WHERE connection_id = ?1 AND seq > ?2 AND seq <= (
  SELECT max(seq) FROM (SELECT seq FROM records WHERE connection_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3))
ORDER BY seq LIMIT ?3`;

const app = new Hono<{ Bindings: BareEnv }>();

app.post("/ack", async (c) => {
  await c.env.EVENTS.send(JSON.parse(await c.req.text()));
  return c.json({ received: true }, 202);
});

app.post("/reject", async (c) => {
  await c.req.arrayBuffer();
  return c.json({ error: { code: "signature_invalid" } }, 401);
});

const CONSTANT = `{"data":${bodyOf(1)}}`;
app.get("/constant", (c) => c.body(CONSTANT, 200, JSON_TYPE));

app.get("/one/:id", async (c) => {
  const row = await c.env.DB.prepare(ONE).bind("bench", "clients", c.req.param("id")).first<Row>();
  if (row === null) return c.body(null, 404);
  const etag = `"${row.hash.slice(0, 32)}-${row.seq}"`;
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, { etag });
  return c.body(`{"data":${row.body}}`, 200, { ...JSON_TYPE, etag });
});

app.get("/list", async (c) => {
  const { results } = await c.env.DB.prepare(PAGE).bind("bench", "clients", 101).all<Row>();
  const bodies = results.slice(0, 100).map(({ body }) => body);
  return c.body(`{"data":[${bodies.join(",")}]}`, 200, JSON_TYPE);
});

app.get("/feed/:after", async (c) => {
  const after = Number(c.req.param("after"));
  const bound = (sql: string) => c.env.DB.prepare(sql).bind("bench", after, 101);
  const [, page] = await c.env.DB.batch<Row>([bound(EDGE), bound(FEED)]);
  const entries = page?.results.slice(0, 100).map(({ seq, kind, id, body }) => {
    return `{"seq":${seq},"kind":"${kind}","id":"${id}","record":${body}}`;
  });
  return c.body(`{"data":[${entries?.join(",")}]}`, 200, JSON_TYPE);
});

/** The sweep's own comparison of a page, alone: no upstream, no writer. */
app.post("/compare", async (c) => {
  const refs = await c.req.json<Ref[]>();
  const versions = await recordStore(c.env.DB, drizzle(c.env.DB)).versions("bench" as ConnectionId, refs);
  return c.text(String(versions.size));
});

const UPSERT = `
INSERT INTO records (connection_id, kind, id, seq, updated_at, fetched_at, hash, organization_id, client_id, status,
                     terminal, deleted_at, body, as_of)
SELECT 'naive', 'clients', ?1, coalesce((SELECT max(seq) FROM records WHERE connection_id = 'naive'), 0) + 1,
       CAST(?2 AS INTEGER), CAST(?3 AS INTEGER), ?4, ?5, ?1, ?6, 0, NULL, ?7, CAST(?3 AS INTEGER) WHERE true
ON CONFLICT (connection_id, kind, id) DO UPDATE SET
  seq = excluded.seq, updated_at = excluded.updated_at, fetched_at = excluded.fetched_at, hash = excluded.hash,
  organization_id = excluded.organization_id, status = excluded.status, body = excluded.body,
  as_of = excluded.as_of`;

interface Hydration {
  /** The record's own object, by name. */
  readonly object: string;
  readonly url: string;
  readonly key: string;
}

/** wrangler.toml declares the mirror's objects for whatever it bundles: they have to be there, and are never called. */
export class RecordWriter extends DurableObject<BareEnv> {}
export class UpstreamGate extends DurableObject<BareEnv> {}

/** One object per record, one fetch and one statement per event. */
export class NaiveWriter extends DurableObject<BareEnv> {
  async hydrate({ url, key }: Hydration): Promise<void> {
    const fetchedAt = Date.now();
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    const { data } = (await answer.json()) as { data: Record<string, unknown> };
    const body = JSON.stringify(data);
    await this.env.DB.prepare(UPSERT)
      .bind(
        data.id,
        Date.parse(String(data.updated_at)),
        fetchedAt,
        createHash("sha256").update(body).digest("hex"),
        data.organization_id,
        data.status,
        body,
      )
      .run();
  }
}

export default {
  fetch: app.fetch,
  async queue(batch, env) {
    // Taken, and that is all: what it costs the bench to hand over a batch.
    if (batch.queue === "idle-events") return batch.ackAll();
    await Promise.all(
      batch.messages.map(async (message) => {
        await env.WRITERS.getByName(message.body.object).hydrate(message.body);
        message.ack();
      }),
    );
  },
} satisfies ExportedHandler<BareEnv, Hydration>;
