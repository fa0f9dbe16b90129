// The one way a call reaches an upstream (GT1): ask the gate, call, tell the gate what came of it.

import type { Failure, Result } from "../core/failure.ts";
import type { CallClass, CallReport, Permit } from "../core/gate.ts";
import { limits } from "../core/limits.ts";
import type { Send, UpstreamAnswer } from "../sources/source.ts";
import type { Door } from "./permits.ts";

export interface GatedDeps {
  readonly gate: Door;
  readonly sleep: (ms: number) => Promise<void>;
  /** The key was rejected: the connection is to say so. */
  readonly onKeyRejected: () => Promise<void>;
}

/** @param retry the call repeats one that failed */
export function throughGate(deps: GatedDeps, send: Send, ask: { class: CallClass; retry: boolean }): Send {
  return async (request) => {
    const permit = await acquireSoon(deps, ask);
    if (!permit.granted) {
      // Whoever was told of the rejection may have died before it was kept: a pause that nobody sees would never end.
      if (permit.by === "paused") await deps.onKeyRejected();
      return { ok: false, failure: refusal(permit) };
    }
    const reply = await send(request);
    const call = reportOf(reply);
    if (call.outcome !== "ok" || permit.report) await deps.gate.report(call);
    if (call.outcome === "key_rejected") await deps.onKeyRejected();
    return reply;
  };
}

/** Short waits are slept out here; a long one goes back to the caller, whose message waits in the queue. */
async function acquireSoon(deps: GatedDeps, ask: { class: CallClass; retry: boolean }): Promise<Permit> {
  // What was slept is counted, not read from a clock, which the platform holds still between I/O.
  let leftMs: number = limits.gateWaitMs;
  for (;;) {
    const permit = await deps.gate.acquire(ask);
    if (permit.granted || permit.by !== "budget") return permit;
    if (permit.waitMs > leftMs) return permit;
    leftMs -= Math.max(1, permit.waitMs);
    await deps.sleep(permit.waitMs);
  }
}

function refusal(permit: Extract<Permit, { granted: false }>): Failure {
  return permit.by === "paused" ? { kind: "paused" } : { kind: "held", by: permit.by, waitMs: permit.waitMs };
}

function reportOf(reply: Result<UpstreamAnswer>): CallReport {
  if (reply.ok) {
    const { holdMs } = reply.value;
    return holdMs === undefined ? { outcome: "ok" } : { outcome: "rate_limited", retryAfterMs: holdMs };
  }
  switch (reply.failure.kind) {
    case "unreachable":
    case "server_error":
      return { outcome: "failed" };
    case "rate_limited":
      return { outcome: "rate_limited", ...definedRetryAfter(reply.failure.retryAfterMs) };
    case "key_rejected":
      return { outcome: "key_rejected" };
    default:
      return { outcome: "ok" };
  }
}

function definedRetryAfter(retryAfterMs: number | undefined) {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}
