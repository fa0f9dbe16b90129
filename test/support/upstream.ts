// A tiny upstream: a function from Request to Response, with records, faults and a log of what was asked. It
// knows the documented routes and nothing more, and shares no code with the mirror.

import { vi } from "vitest";
import { CANARY, leaves } from "./outlets.ts";

export interface UpstreamRecord {
  readonly id: string | number;
  readonly [field: string]: unknown;
}

export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly authorization: string | null;
  readonly idempotencyKey: string | null;
  readonly body: string;
}

export interface UpstreamWebhook {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly signing_secret: string;
}

type Collection = "organizations" | "staff" | "clients";
/** An answer of its own, now or later; undefined leaves the request to the routes. */
type Fault = (request: Request) => Response | undefined | Promise<Response | undefined>;

export const UPSTREAM = "https://upstream.test/v1";
export const UPSTREAM_KEY = "canary-upstream-key-1";

export function createUpstream() {
  const records = {
    organizations: new Map<string, UpstreamRecord>(),
    staff: new Map<string, UpstreamRecord>(),
    clients: new Map<string, UpstreamRecord>(),
  };
  const statuses = new Map<string, UpstreamRecord>();
  const webhooks = new Map<string, UpstreamWebhook>();
  const byNonce = new Map<string, UpstreamWebhook>();
  const asked: Asked[] = [];
  const state = {
    fault: undefined as Fault | undefined,
    pageSize: 100,
    key: UPSTREAM_KEY,
    webhooks: 0,
    /** Does it tell the time, and how far is its clock ahead of ours? */
    aheadMs: undefined as number | undefined,
  };

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = await request.clone().text();
    asked.push({
      method: request.method,
      path: url.pathname.replace(/^\/v1/, "") + url.search,
      authorization: request.headers.get("authorization"),
      idempotencyKey: request.headers.get("idempotency-key"),
      body,
    });
    leaves("url", request.url);
    const faulty = await state.fault?.(request);
    if (faulty) return faulty;
    if (url.origin !== new URL(UPSTREAM).origin) throw new TypeError("no such host");
    if (request.headers.get("authorization") !== `Bearer ${state.key}`) return problem(401);
    const [, , first = "", id, last] = url.pathname.split("/");
    if (first === "webhooks") return webhookRoute(request, body, id);
    if (last === "assessment-status") return one(statuses.get(id ?? ""));
    if (!(first in records)) return problem(404);
    const collection = records[first as Collection];
    return id === undefined ? list(url, [...collection.values()]) : one(collection.get(id));
  }

  function list(url: URL, rows: UpstreamRecord[]): Response {
    const after = Date.parse(url.searchParams.get("updated_after") ?? "1970-01-01");
    const offset = Number(url.searchParams.get("offset") ?? 0);
    const changed = rows
      .filter(({ updated_at }) => Date.parse(String(updated_at)) >= after)
      .sort((a, b) => String(a.updated_at).localeCompare(String(b.updated_at)));
    const next = new URL(url);
    next.searchParams.set("offset", String(offset + state.pageSize));
    const more = changed.length > offset + state.pageSize;
    return Response.json({
      data: changed.slice(offset, offset + state.pageSize),
      meta: { next_url: more ? next.href : null, note: CANARY },
    });
  }

  function webhookRoute(request: Request, body: string, id: string | undefined): Response {
    if (request.method === "DELETE") {
      return webhooks.delete(id ?? "") ? new Response(null, { status: 204 }) : problem(404);
    }
    const nonce = request.headers.get("idempotency-key") ?? "";
    const known = byNonce.get(nonce);
    if (known) return Response.json({ data: known }, { status: 201 });
    const number = ++state.webhooks;
    const webhook = {
      ...(JSON.parse(body) as Pick<UpstreamWebhook, "url" | "events">),
      id: `wh_${number}`,
      signing_secret: `whsec_upstream_${number}`,
    };
    webhooks.set(webhook.id, webhook);
    byNonce.set(nonce, webhook);
    return Response.json({ data: webhook }, { status: 201 });
  }

  return {
    state,
    webhooks,
    asked,
    /** Requests for records, as `METHOD path`. */
    calls: () => asked.map(({ method, path }) => `${method} ${path}`),
    put(collection: Collection, record: UpstreamRecord) {
      records[collection].set(String(record.id), { private_note: CANARY, ...record });
    },
    putStatus: (clientId: string, status: UpstreamRecord) => void statuses.set(clientId, status),
    remove: (collection: Collection, id: string) => records[collection].delete(id),
    /** Stands in for the network, also inside Durable Objects: they share this isolate. */
    install() {
      return vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
        const response = await answer(new Request(input as Request, init as RequestInit));
        if (state.aheadMs !== undefined) {
          response.headers.set("date", new Date(Date.now() + state.aheadMs).toUTCString());
        }
        return response;
      });
    },
  };
}

export type TestUpstream = ReturnType<typeof createUpstream>;

function one(record: UpstreamRecord | undefined): Response {
  return record
    ? Response.json({ data: record, note: CANARY }, { headers: { "x-note": CANARY } })
    : problem(404);
}

export function problem(status: number, headers: Record<string, string> = {}): Response {
  return Response.json({ error: `upstream says no to ${CANARY}` }, { status, headers });
}
