// The API of a simulated RCMS, at the port where the adapter sends: lists in three pagings, single reads, webhooks
// and their delivery log, and whatever faults the history holds. Every request is kept for the judge.

import type { Failure, Result } from "../../src/core/failure.ts";
import type { Json } from "../../src/core/json.ts";
import type { Send, UpstreamAnswer, UpstreamRequest } from "../../src/sources/source.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { Network, NetworkKind } from "./network.ts";
import type { Webhooks } from "./webhooks.ts";

export const BASE_URL = "https://api.rcms.example/v1";

export type Paging = "time" | "id" | "offset";

export interface Request {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly key: string;
  /** Of the answer; 0 until there is one, and for none. */
  status: number;
}

/** A span, our clock, in which the API behaves in one way whatever is asked. */
export interface Spell {
  readonly from: number;
  readonly until: number;
  readonly how: "down" | "rate_limited";
}

export interface ApiWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly network: Network;
  readonly webhooks: Webhooks;
  readonly paging: Paging;
  readonly pageSize: number;
  /** `updated_at` is there, to the millisecond or cut to the second. */
  readonly skewMs: number;
}

const LISTS: Readonly<Record<string, NetworkKind>> = {
  "/organizations": "organizations",
  "/staff": "staff",
  "/clients": "clients",
};

export function createApi(world: ApiWorld) {
  const requests: Request[] = [];
  const spells: Spell[] = [];
  const keys = new Set(["key-1"]);
  const { clock, chance, faults, network } = world;

  function http(key: string): Send {
    return async (request) => {
      const startedAt = clock.now();
      const url = new URL(request.target.startsWith("/") ? `${BASE_URL}${request.target}` : request.target);
      for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
      const path = url.pathname.slice("/v1".length);
      const query = Object.fromEntries(url.searchParams);
      const kept: Request = { at: startedAt, method: request.method, path, query, key, status: 0 };
      requests.push(kept);
      await clock.sleep(chance.between(5, 120));
      const trouble = troubleOf(key);
      if (trouble) {
        if (trouble.kind === "unreachable") await clock.sleep(10_000);
        return { ok: false, failure: trouble };
      }
      const answer = reply(request, path, query);
      kept.status = answer.status;
      await clock.sleep(chance.between(5, 120));
      const upstreamNow = Math.floor((clock.now() + world.skewMs) / 1_000) * 1_000;
      return { ok: true, value: { ...answer, startedAt, upstreamNow } };
    };
  }

  function troubleOf(key: string): Failure | undefined {
    const now = clock.now();
    const spell = spells.find(({ from, until }) => from <= now && now < until);
    if (spell?.how === "down") {
      return chance.happens(0.5)
        ? { kind: "server_error", status: 503 }
        : { kind: "unreachable", why: "timeout" };
    }
    if (spell?.how === "rate_limited")
      return { kind: "rate_limited", retryAfterMs: chance.pick([1_000, 30_000]) };
    if (!keys.has(key)) return { kind: "key_rejected" };
    if (!chance.happens(faults().callFails)) return undefined;
    return chance.pick<Failure>([
      { kind: "server_error", status: 500 },
      { kind: "rate_limited", retryAfterMs: 2_000 },
      { kind: "rate_limited" },
      { kind: "unreachable", why: "timeout" },
      { kind: "unreachable", why: "network" },
    ]);
  }

  function reply(
    request: UpstreamRequest,
    path: string,
    query: Readonly<Record<string, string>>,
  ): Pick<UpstreamAnswer, "status" | "json"> {
    if (path.startsWith("/webhooks")) return world.webhooks.answer(request, path);
    const kind = LISTS[path];
    if (kind !== undefined) return { status: 200, json: list(kind, query) };
    const [, collection, id, rest] = path.split("/");
    const single = rest === "assessment-status" ? rest : LISTS[`/${collection}`];
    if (single === undefined || id === undefined) return { status: 404 };
    const version = network.shown(network.get(single, id), clock.now());
    return version?.body ? { status: 200, json: { data: version.body } } : { status: 404 };
  }

  function list(kind: NetworkKind, query: Readonly<Record<string, string>>): Json {
    const now = clock.now();
    const since = query.updated_after === undefined ? 0 : Date.parse(query.updated_after);
    const rows = network.of(kind).flatMap((record) => {
      const version = network.shown(record, now);
      return version?.body && version.updatedAt >= since
        ? [{ id: record.id, updatedAt: version.updatedAt, body: version.body }]
        : [];
    });
    const byId = world.paging === "id";
    rows.sort((a, b) => (byId ? compare(a.id, b.id) : a.updatedAt - b.updatedAt || compare(a.id, b.id)));
    const cursor = query.cursor;
    let from = 0;
    if (cursor !== undefined && world.paging === "offset") from = Number(cursor);
    else if (cursor !== undefined) {
      const place = rows.findIndex((row) => compare(placeOf(row), cursor) > 0);
      from = place < 0 ? rows.length : place;
    }
    const page = rows.slice(from, from + world.pageSize);
    const more = from + page.length < rows.length;
    const last = page.at(-1);
    const next = world.paging === "offset" ? String(from + page.length) : last && placeOf(last);
    const nextUrl = new URL(`${BASE_URL}/${kind}`);
    if (query.updated_after !== undefined) nextUrl.searchParams.set("updated_after", query.updated_after);
    if (more && next !== undefined) nextUrl.searchParams.set("cursor", next);
    return { data: page.map(({ body }) => body), meta: { next_url: more ? nextUrl.href : null } };
  }

  const placeOf = (row: { readonly id: string; readonly updatedAt: number }) =>
    world.paging === "id" ? row.id : `${String(row.updatedAt).padStart(15, "0")} ${row.id}`;

  return { http, requests, spells, keys };
}

export type SimApi = ReturnType<typeof createApi>;
export type Reply = Result<UpstreamAnswer>;

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
