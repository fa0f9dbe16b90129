// The API of a simulated RCMS, at the port where the adapter sends: lists in three pagings, single reads, webhooks
// and their delivery log, and whatever faults the history holds. Every request is kept for the judge, and whoever
// asked hears which versions an answer showed.

import type { Failure } from "../../src/core/failure.ts";
import type { Json } from "../../src/core/json.ts";
import type { Send, UpstreamAnswer, UpstreamRequest } from "../../src/sources/source.ts";
import { askedAt } from "../../src/sources/upstream-http.ts";
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
  /** A list asked for without `updated_after`, from its beginning. */
  readonly whole: boolean;
}

/** What one answer showed of one record. */
export interface Shown {
  /** `<kind>/<id>` */
  readonly key: string;
  /** Our clock, ms: when it was asked for. */
  readonly startedAt: number;
  /** Undefined: not found. */
  readonly number: number | undefined;
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
  readonly skewMs: number;
  /** Answers carry a `Date`. */
  readonly tellsTime: boolean;
}

const LISTS: Readonly<Record<string, NetworkKind>> = {
  "/organizations": "organizations",
  "/staff": "staff",
  "/clients": "clients",
};

/** Just in time: the mirror waits ten seconds for an answer. */
const SLOW_MS = 9_500;
const PREFIX = new URL(BASE_URL).pathname.length;

export function createApi(world: ApiWorld) {
  const { clock, chance, faults, network } = world;
  const requests: Request[] = [];
  /** Whoever watches is told of every request. */
  const watched: { asked: (request: Request) => void } = { asked: () => {} };
  const spells: Spell[] = [];
  const keys = new Set(["key-1"]);
  const counters = { calls: 0, serverErrors: 0, rateLimited: 0, timeouts: 0, slow: 0, keyRejected: 0 };
  /** `<kind>/<id>` → when it was found missing, our clock, ms. */
  const missed = new Map<string, number[]>();

  /** @param heard called with what the answer shows, in the instant it arrives */
  function http(key: string, heard: (shown: readonly Shown[]) => void = () => {}): Send {
    return async (request) => {
      const startedAt = clock.now();
      const { path, query } = partsOf(request);
      const whole =
        LISTS[path] !== undefined && query.updated_after === undefined && query.cursor === undefined;
      const asked = { at: startedAt, method: request.method, path, whole };
      requests.push(asked);
      watched.asked(asked);
      counters.calls++;
      await clock.sleep(chance.between(5, 120));
      const trouble = troubleOf(key);
      if (trouble) {
        if (trouble.kind === "unreachable") await clock.sleep(10_000);
        return { ok: false, failure: trouble };
      }
      const shown: Shown[] = [];
      const answer = reply(request, path, query, (of, id, number) =>
        shown.push({ key: `${of}/${id}`, startedAt, number }),
      );
      const upstreamNow = Math.floor((clock.now() + world.skewMs) / 1_000) * 1_000;
      const slow = chance.happens(faults().slow);
      if (slow) counters.slow++;
      await clock.sleep(slow ? chance.between(120, SLOW_MS) : chance.between(5, 120));
      heard(shown);
      const times = { upstreamNow, asOf: askedAt(startedAt, upstreamNow, clock.now()) };
      return { ok: true, value: { ...answer, startedAt, ...(world.tellsTime ? times : {}) } };
    };
  }

  function troubleOf(key: string): Failure | undefined {
    const failure = failureNow(key);
    if (failure?.kind === "server_error") counters.serverErrors++;
    if (failure?.kind === "rate_limited") counters.rateLimited++;
    if (failure?.kind === "unreachable") counters.timeouts++;
    if (failure?.kind === "key_rejected") counters.keyRejected++;
    return failure;
  }

  function failureNow(key: string): Failure | undefined {
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

  type Show = (kind: NetworkKind, id: string, number: number | undefined) => void;

  function reply(
    request: UpstreamRequest,
    path: string,
    query: Query,
    show: Show,
  ): Pick<UpstreamAnswer, "status" | "json"> {
    if (path.startsWith("/webhooks")) return world.webhooks.answer(request, path);
    const kind = LISTS[path];
    if (kind !== undefined) return { status: 200, json: list(kind, query, show) };
    const [, collection, id, rest] = path.split("/");
    const single = rest === "assessment-status" ? rest : LISTS[`/${collection}`];
    if (single === undefined || id === undefined) return { status: 404 };
    const version = network.shown(network.get(single, id), clock.now());
    show(single, id, version?.number);
    if (version?.body) return { status: 200, json: { data: version.body } };
    const key = `${single}/${id}`;
    const times = missed.get(key);
    if (times === undefined) missed.set(key, [clock.now()]);
    else times.push(clock.now());
    return { status: 404 };
  }

  function list(kind: NetworkKind, query: Query, show: Show): Json {
    const now = clock.now();
    const since =
      query.updated_after === undefined ? Number.NEGATIVE_INFINITY : Date.parse(query.updated_after);
    const rows: Row[] = [];
    for (const record of network.of(kind)) {
      const version = network.shown(record, now);
      if (version?.body && version.updatedAt >= since)
        rows.push({ id: record.id, version, body: version.body });
    }
    const byId = world.paging === "id";
    rows.sort((a, b) =>
      byId ? compare(a.id, b.id) : a.version.updatedAt - b.version.updatedAt || compare(a.id, b.id),
    );
    const { cursor } = query;
    let from = 0;
    if (cursor !== undefined && world.paging === "offset") from = Number(cursor);
    else if (cursor !== undefined) {
      const place = rows.findIndex((row) => compare(placeOf(row), cursor) > 0);
      from = place < 0 ? rows.length : place;
    }
    const page = rows.slice(from, from + world.pageSize);
    for (const { id, version } of page) show(kind, id, version.number);
    const last = page.at(-1);
    const data = page.map(({ body }) => body);
    if (from + page.length >= rows.length || last === undefined) return { data, meta: { next_url: null } };
    const next = world.paging === "offset" ? String(from + page.length) : placeOf(last);
    const filter = query.updated_after === undefined ? "" : `updated_after=${query.updated_after}&`;
    return { data, meta: { next_url: `${BASE_URL}/${kind}?${filter}cursor=${encodeURIComponent(next)}` } };
  }

  const placeOf = ({ id, version }: Row) =>
    world.paging === "id" ? id : `${String(version.updatedAt).padStart(15, "0")} ${id}`;

  return { http, watched, requests, spells, keys, counters, missed };
}

interface Row {
  readonly id: string;
  readonly version: { readonly updatedAt: number; readonly number: number };
  readonly body: { readonly [key: string]: string | number };
}

type Query = Readonly<Record<string, string>>;

function partsOf({ target, query }: UpstreamRequest): { readonly path: string; readonly query: Query } {
  if (target.startsWith("/")) return { path: target, query: query ?? {} };
  const url = new URL(target);
  return { path: url.pathname.slice(PREFIX), query: { ...Object.fromEntries(url.searchParams), ...query } };
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

export type SimApi = ReturnType<typeof createApi>;
