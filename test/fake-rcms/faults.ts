// What can go wrong between a request and its true answer: scripted failures, redirects, limits, errors, slowness
// and silence. The true answer itself is `act`.

import { type Core, chance } from "./core.ts";
import { type Answer, type Exchange, json } from "./exchange.ts";
import { between } from "./random.ts";
import type { Failure } from "./settings.ts";

/** "cut": the connection ends without an answer. */
export type Outcome = Answer | "cut";

export type ThroughFaults = (exchange: Exchange, apiKey: string, act: () => Answer) => Promise<Outcome>;

export function createFaults(core: Core): ThroughFaults {
  const limiter = createLimiter(core);
  return async (exchange, apiKey, act) => {
    const { settings, timers } = core;
    const scripted = takeScripted(settings.fail_next, exchange);
    if (scripted !== null) return scriptedOutcome(core, scripted, act);
    const latency = between(core.faultRandom, settings.latency_ms);
    // The read happens somewhere inside the latency, so an answer may be outdated by the time it arrives.
    const before = Math.floor(latency * core.faultRandom());
    if (before > 0) await timers.sleep(before);
    if (chance(core.faultRandom, settings.timeout_rate)) return silence(core);
    if (settings.redirect_to !== null)
      return { status: 302, headers: { Location: settings.redirect_to }, body: "" };
    const limit = limiter(apiKey);
    if (limit.refused !== null) return refusal(core, 429, limit.refused, limit.headers);
    if (chance(core.faultRandom, settings.error_rate)) return refusal(core, settings.error_status);
    const answer = act();
    if (latency > before) await timers.sleep(latency - before);
    return { ...answer, headers: { ...answer.headers, ...limit.headers } };
  };
}

function takeScripted(failures: Failure[], exchange: Exchange): Failure | null {
  const query = exchange.params.toString();
  const target = query === "" ? exchange.path : `${exchange.path}?${query}`;
  const at = failures.findIndex(
    (each) =>
      (each.method === undefined || each.method === exchange.method) &&
      (each.path_contains === undefined || target.includes(each.path_contains)),
  );
  return at < 0 ? null : (failures.splice(at, 1)[0] ?? null);
}

async function scriptedOutcome(core: Core, failure: Failure, act: () => Answer): Promise<Outcome> {
  const truth = failure.status === undefined || failure.applied === true ? act() : null;
  if (failure.delay_ms !== undefined) await core.timers.sleep(failure.delay_ms);
  if (failure.hang === true) return silence(core);
  if (failure.status === 0) return "cut";
  if (truth !== null && failure.status === undefined) return truth;
  return refusal(core, failure.status ?? 500, failure.retry_after ?? null);
}

async function silence({ timers, settings }: Core): Promise<"cut"> {
  await timers.sleep(settings.timeout_bound_ms);
  return "cut";
}

function refusal(
  core: Core,
  status: number,
  retryAfterSeconds: number | null = null,
  headers: Record<string, string> = {},
): Answer {
  const answer = errorBody(core, status);
  const retry = retryAfterSeconds === null ? {} : retryAfter(core, retryAfterSeconds);
  return { ...answer, headers: { ...answer.headers, ...headers, ...retry } };
}

function retryAfter(core: Core, seconds: number): Record<string, string> {
  const style = core.settings.retry_after_style;
  if (style === "none") return {};
  const date = () => new Date(core.now() + seconds * 1000).toUTCString();
  return { "Retry-After": style === "seconds" ? String(seconds) : date() };
}

function errorBody({ settings }: Core, status: number): Answer {
  const message = status === 429 ? "too many requests" : "the upstream failed as it was told to";
  switch (settings.error_body) {
    case "json":
      return json(status, { error: { code: status === 429 ? "rate_limited" : "unavailable", message } });
    case "text":
      return { status, headers: { "Content-Type": "text/plain" }, body: message };
    case "html":
      return { status, headers: { "Content-Type": "text/html" }, body: `<html><h1>${message}</h1></html>` };
    case "empty":
      return { status, body: "" };
  }
}

const WINDOW_MS = 60_000;

function createLimiter(core: Core) {
  const windows = new Map<string, { startedMs: number; used: number }>();

  return (apiKey: string): { refused: number | null; headers: Record<string, string> } => {
    const { rate_limited_until: until, rate_limit_per_minute: allowed } = core.settings;
    const leftMs = until === null ? 0 : Date.parse(until) - core.now();
    if (leftMs > 0) return { refused: Math.ceil(leftMs / 1000), headers: {} };
    if (allowed === null) return { refused: null, headers: {} };
    const now = core.clock();
    const current = windows.get(apiKey);
    const window =
      current === undefined || now - current.startedMs >= WINDOW_MS ? { startedMs: now, used: 0 } : current;
    windows.set(apiKey, window);
    window.used += 1;
    const resetSeconds = Math.max(1, Math.ceil((window.startedMs + WINDOW_MS - now) / 1000));
    const headers = limitHeaders(core, allowed, Math.max(0, allowed - window.used), resetSeconds);
    return { refused: window.used > allowed ? resetSeconds : null, headers };
  };
}

function limitHeaders(core: Core, limit: number, remaining: number, reset: number): Record<string, string> {
  const style = core.settings.rate_limit_headers;
  if (style === "none") return {};
  const prefix = style === "ratelimit" ? "RateLimit" : "X-RateLimit";
  return {
    [`${prefix}-Limit`]: String(limit),
    [`${prefix}-Remaining`]: String(remaining),
    [`${prefix}-Reset`]: String(reset),
  };
}
