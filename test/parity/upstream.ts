// The API of a history's upstream, as one mirror sees it: lists in three pagings, single reads, webhooks and their
// delivery log. The records are the world's; what was asked and how often it went wrong is this mirror's own.

import type { NetworkKind } from "../sim/network.ts";
import { shown, type World } from "./world.ts";

export const BASE_URL = "https://upstream.test/v1";
export const KEY = "upstream-key-1";

export const TROUBLES = [
  "500",
  "503",
  "429",
  "429 for a minute",
  "401",
  "403",
  "404",
  "400",
  "timeout",
  "no network",
  "not json",
  "redirect",
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** Each path that begins so fails the first few times it is asked from then on. */
export interface Fault {
  readonly path: string;
  readonly how: Trouble;
  readonly times: number;
}

const LISTS: Readonly<Record<string, NetworkKind>> = {
  organizations: "organizations",
  staff: "staff",
  clients: "clients",
};

interface Row {
  readonly id: string;
  readonly updatedAt: number;
  readonly body: unknown;
}

export type Upstream = ReturnType<typeof createUpstream>;

export function createUpstream(world: World, now: () => number) {
  const { network, shape } = world;
  const asked: string[] = [];
  const faults: { readonly fault: Fault; readonly hits: Map<string, number> }[] = [];
  const webhooks = new Map<string, { readonly secret: string; status: "active" | "disabled" }>();
  const byNonce = new Map<string, string>();
  const keys = new Set([KEY]);

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/v1/, "");
    asked.push(`${request.method} ${path}${url.search}`);
    const response = await reply(request, url, path);
    response.headers.set("date", new Date(now() + shape.skewMs).toUTCString());
    return response;
  }

  async function reply(request: Request, url: URL, path: string): Promise<Response> {
    const trouble = troubleOf(path);
    if (trouble !== undefined) return wrong(trouble);
    if (!keys.has(request.headers.get("authorization")?.replace("Bearer ", "") ?? "")) return status(401);
    const [, first = "", id, rest] = path.split("/");
    if (first === "webhooks") return webhookRoute(request, id, rest);
    const kind = LISTS[first];
    if (kind === undefined) return status(404);
    if (id === undefined) return list(kind, url);
    return one(rest === "assessment-status" ? rest : kind, id);
  }

  function troubleOf(path: string): Trouble | undefined {
    for (const { fault, hits } of faults) {
      if (!path.startsWith(fault.path)) continue;
      const times = (hits.get(path) ?? 0) + 1;
      hits.set(path, times);
      if (times <= fault.times) return fault.how;
    }
    return undefined;
  }

  function one(kind: NetworkKind, id: string): Response {
    const version = shown(network, kind, id, now());
    return version?.body ? Response.json({ data: version.body }) : status(404);
  }

  function list(kind: NetworkKind, url: URL): Response {
    const since = Date.parse(url.searchParams.get("updated_after") ?? "1970-01-01");
    const cursor = url.searchParams.get("cursor");
    const rows = network.of(kind).flatMap(({ id }): Row[] => {
      const version = shown(network, kind, id, now());
      return version?.body && version.updatedAt >= since ? [{ ...version, id, body: version.body }] : [];
    });
    rows.sort((a, b) => compare(placeOf(a), placeOf(b)));
    const from = cursor === null ? 0 : startOf(rows, cursor);
    const page = rows.slice(from, from + shape.pageSize);
    const last = page.at(-1);
    const next = new URL(url);
    const more = last !== undefined && from + page.length < rows.length;
    if (more) {
      const place = shape.paging === "offset" ? String(from + page.length) : placeOf(last);
      next.searchParams.set("cursor", place);
    }
    const meta = { next_url: more ? next.href : null };
    return Response.json({ data: page.map(({ body }) => body), meta });
  }

  function startOf(rows: readonly Row[], cursor: string): number {
    if (shape.paging === "offset") return Number(cursor);
    const place = rows.findIndex((row) => compare(placeOf(row), cursor) > 0);
    return place < 0 ? rows.length : place;
  }

  const placeOf = ({ id, updatedAt }: Row) =>
    shape.paging === "id" ? id : `${String(updatedAt).padStart(15, "0")} ${id}`;

  function webhookRoute(request: Request, id: string | undefined, rest: string | undefined): Response {
    if (request.method === "DELETE")
      return webhooks.delete(id ?? "") ? new Response(null, { status: 204 }) : status(404);
    if (id === undefined) return register(request.headers.get("idempotency-key") ?? "");
    const webhook = webhooks.get(id);
    if (webhook === undefined) return status(404);
    if (rest === "deliveries") return Response.json({ data: deliveries() });
    if (rest === "test") return Response.json({ data: {} });
    return Response.json({ data: { id, status: webhook.status } });
  }

  function register(nonce: string): Response {
    const id = byNonce.get(nonce) ?? `wh_${byNonce.size + 1}`;
    byNonce.set(nonce, id);
    const secret = webhooks.get(id)?.secret ?? `whsec_${id}`;
    webhooks.set(id, { secret, status: "active" });
    return Response.json({ data: { id, signing_secret: secret } }, { status: 201 });
  }

  function deliveries() {
    return world.fired.slice(-100).map(({ id, type, createdAt, sent }) => ({
      event_id: id,
      event_type: type,
      status: sent > 0 ? "delivered" : "failed",
      attempt_count: Math.max(1, sent),
      created_at: new Date(createdAt).toISOString(),
    }));
  }

  return {
    answer,
    /** `METHOD path`, in the order they came. */
    asked,
    arm: (fault: Fault) => void faults.push({ fault, hits: new Map() }),
    heal: () => void faults.splice(0),
    get troubled() {
      return faults.length > 0;
    },
    /** RCMS gives up on the webhook, or forgets it. */
    killWebhook(how: "disabled" | "missing") {
      for (const [id, webhook] of webhooks) {
        if (how === "missing") webhooks.delete(id);
        else webhook.status = "disabled";
      }
    },
    /** Signs deliveries now. */
    secret: () => [...webhooks.values()].at(-1)?.secret,
  };
}

function wrong(how: Trouble): Response {
  switch (how) {
    case "timeout":
      throw new DOMException("no answer in time", "TimeoutError");
    case "no network":
      throw new TypeError("no such host");
    case "not json":
      return new Response("<html>");
    case "redirect":
      return new Response(null, { status: 302, headers: { location: "https://elsewhere.test/" } });
    case "429 for a minute":
      return status(429, { "retry-after": "60" });
    default:
      return status(Number(how));
  }
}

function status(code: number, headers: Record<string, string> = {}): Response {
  return Response.json({ error: "no" }, { status: code, headers });
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
