// One HTTP call to an upstream: bounded in time and size, redirects never followed, the key sent to one
// origin and path prefix only. Answers and failures are data; no body, header or URL ends up in either.

import { boundedBytes } from "../core/bounded.ts";
import type { Failure, Result } from "../core/failure.ts";
import { parseJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { type Account, badAnswer, type Send, type UpstreamAnswer, type UpstreamRequest } from "./source.ts";

export interface HttpDeps {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly now: () => number;
  /** Aborts after so many ms, unless cleared. */
  readonly timeout: (ms: number) => { readonly signal: AbortSignal; readonly clear: () => void };
}

/** Statuses an adapter reads itself; every other non-2xx is a failure. */
const MEANINGFUL = new Set([404, 405, 410]);

export function upstreamHttp(deps: HttpDeps, account: Pick<Account, "baseUrl" | "apiKey">): Send {
  return async (request) => {
    const url = targetUrl(account.baseUrl, request);
    if (url === undefined) return badAnswer("foreign_url");
    const startedAt = deps.now();
    let response: Response;
    let text: string | undefined;
    const timeout = deps.timeout(limits.upstreamTimeoutMs);
    try {
      response = await deps.fetch(
        new Request(url, {
          method: request.method,
          headers: requestHeaders(account.apiKey, request),
          redirect: "manual",
          signal: timeout.signal,
          ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        }),
      );
      if (!response.ok && !MEANINGFUL.has(response.status)) {
        await response.body?.cancel();
        return { ok: false, failure: failureOf(response, deps.now()) };
      }
      const bytes = await boundedBytes(response, limits.upstreamBytes);
      text = bytes && new TextDecoder().decode(bytes);
    } catch (error) {
      const why = error instanceof Error && error.name === "TimeoutError" ? "timeout" : "network";
      return { ok: false, failure: { kind: "unreachable", why } };
    } finally {
      // A timer left running would keep its Durable Object awake.
      timeout.clear();
    }
    if (text === undefined) return badAnswer("too_large");
    return answerOf(response, text, startedAt, deps.now());
  };
}

/**
 * The whole guard of `next_url`: same origin, same path prefix, no credentials in it. A path is joined, never
 * resolved, so `..` and `//host` in it stay harmless.
 */
export function targetUrl(
  baseUrl: string,
  request: Pick<UpstreamRequest, "target" | "query">,
): string | undefined {
  const base = new URL(baseUrl);
  const prefix = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
  const relative = request.target.startsWith("/") && !request.target.startsWith("//");
  let url: URL;
  try {
    url = new URL(relative ? `${baseUrl}${request.target}` : request.target);
  } catch {
    return undefined;
  }
  if (url.origin !== base.origin || !url.pathname.startsWith(prefix)) return undefined;
  // An encoded separator, or dots with a parameter, could still be resolved by a server behind the prefix.
  if (/%2f|%5c|%2e|\/\.{1,2};/i.test(url.pathname)) return undefined;
  if (url.username !== "" || url.password !== "") return undefined;
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  return url.href;
}

function requestHeaders(apiKey: string, request: UpstreamRequest): Record<string, string> {
  return {
    authorization: `Bearer ${apiKey}`,
    accept: "application/json",
    "user-agent": "rcms-mirror",
    ...(request.body === undefined ? {} : { "content-type": "application/json" }),
    ...(request.idempotencyKey === undefined ? {} : { "idempotency-key": request.idempotencyKey }),
  };
}

/**
 * When an answer was asked for, by the earlier of both clocks, ms: what it shows may be as old as its question, so the
 * time it took does not count.
 * @param upstreamNow its `Date`
 */
export function askedAt(startedAt: number, upstreamNow: number, now: number): number {
  return Math.min(startedAt, upstreamNow - (now - startedAt));
}

function answerOf(response: Response, text: string, startedAt: number, now: number): Result<UpstreamAnswer> {
  const upstreamNow = Date.parse(response.headers.get("date") ?? "");
  const asOf = askedAt(startedAt, upstreamNow, now);
  const holdMs = spentAllowance(response.headers, now);
  const head = {
    status: response.status,
    startedAt,
    ...(Number.isNaN(upstreamNow) ? {} : { upstreamNow, asOf }),
    ...(holdMs === undefined ? {} : { holdMs }),
  };
  // What a 404 says beside its status is not ours to read.
  if (text === "" || !response.ok) return { ok: true, value: head };
  const json = parseJson(text, limits.jsonDepth);
  return json === undefined ? badAnswer("not_json") : { ok: true, value: { ...head, json } };
}

function failureOf(response: Response, now: number): Failure {
  const { status } = response;
  if (status === 401) return { kind: "key_rejected" };
  if (status === 403) return { kind: "forbidden" };
  if (status === 408 || status === 425) return { kind: "server_error", status };
  if (status === 429) {
    const retryAfterMs = retryAfter(response.headers.get("retry-after"), now);
    return { kind: "rate_limited", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (status >= 500) return { kind: "server_error", status };
  // `redirect: "manual"` shows a redirect as its own status (workerd) or as status 0 (elsewhere).
  if (status < 400) return { kind: "bad_answer", why: "redirect" };
  return { kind: "refused", status };
}

/** RFC 9110 §10.2.3: seconds or an HTTP date. */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = / GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** `RateLimit-Remaining: 0` with a reset in seconds or in unix seconds, as the drafts and X- variants have it. */
function spentAllowance(headers: Headers, now: number): number | undefined {
  const read = (name: string) => headers.get(`ratelimit-${name}`) ?? headers.get(`x-ratelimit-${name}`);
  if (read("remaining") !== "0") return undefined;
  const reset = Number(read("reset") ?? "");
  if (!Number.isFinite(reset) || reset <= 0) return undefined;
  const unixSeconds = reset > 1_000_000_000;
  return Math.max(0, unixSeconds ? reset * 1_000 - now : reset * 1_000);
}
