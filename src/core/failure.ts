// Why a call to the upstream brought nothing, as data; and the one table that says what becomes of the
// message behind it. Expected outcomes (gone, unchanged) are not failures.

import { limits } from "./limits.ts";

export type Failure =
  /** No answer: refused, reset or timed out. */
  | { readonly kind: "unreachable"; readonly why: "network" | "timeout" }
  | { readonly kind: "server_error"; readonly status: number }
  | { readonly kind: "rate_limited"; readonly retryAfterMs?: number }
  /** 401: the API key is no longer accepted. The connection is paused. */
  | { readonly kind: "key_rejected" }
  /** 403: this key may not see this. */
  | { readonly kind: "forbidden" }
  /** Any other 4xx: the request was understood and refused. */
  | { readonly kind: "refused"; readonly status: number }
  /** An answer outside what is known of the upstream. Never carries the answer itself. */
  | { readonly kind: "bad_answer"; readonly why: BadAnswer }
  /** The gate did not let the call through. */
  | { readonly kind: "held"; readonly by: HeldBy; readonly waitMs: number }
  | { readonly kind: "paused" }
  /** A part of our own died between two steps; whatever it did is safe to do again. */
  | { readonly kind: "interrupted" };

/** `lease`: it was asked for under a lease that another holds. */
export type HeldBy = "budget" | "breaker" | "rate_limit" | "lease";

export type BadAnswer = "redirect" | "not_json" | "too_large" | "shape" | "foreign_url";

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

export type AfterFailure =
  | { readonly result: "retry"; readonly delaySeconds: number }
  | { readonly result: "park"; readonly reason: string };

/**
 * Retry or park: nothing else can become of a message whose fetch failed.
 * @param attempts how often the message was delivered, this time included
 * @param random 0 ≤ random < 1, for jitter
 */
export function afterFailure(failure: Failure, attempts: number, random: number): AfterFailure {
  const park: AfterFailure = { result: "park", reason: describeFailure(failure) };
  if (attempts >= limits.attemptsBeforePark) return park;
  switch (failure.kind) {
    case "interrupted":
    case "unreachable":
    case "server_error":
      return { result: "retry", delaySeconds: backoffSeconds(attempts, random) };
    case "rate_limited":
      return retryNotBefore(
        Math.max(
          Math.min(failure.retryAfterMs ?? limits.rateLimitPauseMs, limits.rateLimitPauseMaxMs),
          patienceMs(attempts),
        ),
        random,
      );
    case "held":
      return retryNotBefore(Math.max(failure.waitMs, patienceMs(attempts)), random);
    case "bad_answer":
      return attempts < limits.attemptsOnBadAnswer
        ? { result: "retry", delaySeconds: backoffSeconds(attempts, random) }
        : park;
    case "key_rejected":
    case "paused":
    case "forbidden":
    case "refused":
      return park;
  }
}

/** One line for an operator: what failed, never what was in it. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case "unreachable":
      return failure.why === "timeout" ? "upstream did not answer in time" : "upstream could not be reached";
    case "server_error":
      return `upstream answered ${failure.status}`;
    case "rate_limited":
      return "upstream answered 429";
    case "key_rejected":
      return "upstream answered 401: the API key is not accepted";
    case "forbidden":
      return "upstream answered 403: the API key may not read this";
    case "refused":
      return `upstream answered ${failure.status}`;
    case "bad_answer":
      return `upstream's answer was not understood (${failure.why})`;
    case "held":
      return `held back by the gate (${failure.by})`;
    case "paused":
      return "the connection is paused";
    case "interrupted":
      return "the mirror was interrupted";
  }
}

/** 2, 4, 8 … capped, with the upper half jittered so that a failed batch does not return as one. */
function backoffSeconds(attempts: number, random: number): number {
  const full = Math.min(limits.retryBaseSeconds * 2 ** (attempts - 1), limits.retryCapSeconds);
  return Math.ceil(full / 2 + (full / 2) * random);
}

/**
 * Waiting for an allowance is nobody's failure: short waits at first, so that a burst drains as the budget comes
 * back, and long ones later, so that all attempts together outlast a night of 429.
 */
function patienceMs(attempts: number): number {
  return Math.min(1_000 * Math.max(attempts, attempts ** 2 / 10), limits.retryCapSeconds * 1_000);
}

function retryNotBefore(waitMs: number, random: number): AfterFailure {
  return { result: "retry", delaySeconds: Math.ceil((waitMs / 1_000) * (1 + 0.25 * random)) };
}
