// The only door to one upstream account, as a pure machine: token bucket, a hard count per minute, priority
// classes, pause, breaker, retry allowance. The Durable Object around it (cloudflare/upstream-gate.ts) adds
// storage and nothing else.

import type { HeldBy } from "./failure.ts";
import { limits } from "./limits.ts";

/** Most urgent first. A class may only use what is left above its reserve, so a more urgent one never waits
 *  behind it: priority without a queue. Shares of the burst. */
export const RESERVES = { interactive: 0, event: 0.1, sweep: 0.2, rebuild: 0.5, verify: 0.6 } as const;
export type CallClass = keyof typeof RESERVES;

export interface GateBudget {
  readonly perMinute: number;
  readonly burst: number;
}

export interface GateState {
  readonly tokens: number;
  readonly refilledAt: number;
  /**
   * Calls granted per second, `[second, count]`, the last 61 s, oldest first. Permits that may be spent later count
   * as of the last second in which they may, which may lie a little ahead.
   */
  readonly granted: readonly (readonly [second: number, count: number])[];
  /** RCMS asked us to wait until then. */
  readonly heldUntil: number;
  /** Times in a row that a pause ended and RCMS asked for another. */
  readonly limited?: number;
  readonly failures: number;
  readonly openUntil: number;
  readonly openForMs: number;
  /** While a probe is under way nobody else may call. */
  readonly probeUntil: number;
  readonly retryTokens: number;
  /** Set when the key was rejected, until an operator (or a successful probe of the key) resumes. */
  readonly paused: boolean;
}

/** What is asked of the gate. */
export interface CallAsk {
  readonly class: CallClass;
  /** The call repeats one that failed; those are rationed so that an outage is not made worse. */
  readonly retry: boolean;
  /**
   * Permits wanted at once, by who makes calls one after the other and spends each within `limits.permitMs`; fewer
   * may be granted. Absent: one, for a call that goes out now.
   */
  readonly calls?: number;
}

export type Permit =
  | {
      readonly granted: true;
      /** The gate wants to hear of success too, not only of failure. */
      readonly report: boolean;
      /** How many calls it is good for; absent where none were asked for together: one. */
      readonly calls?: number;
      /** Then also: how many more the class might have had, and when it may have its most again, ms. */
      readonly left?: number;
      readonly fullMs?: number;
    }
  | { readonly granted: false; readonly by: HeldBy; readonly waitMs: number }
  | { readonly granted: false; readonly by: "paused" };

export type CallReport =
  | { readonly outcome: "ok" }
  | { readonly outcome: "failed" }
  | { readonly outcome: "rate_limited"; readonly retryAfterMs?: number }
  | { readonly outcome: "key_rejected" };

export function openGate(budget: GateBudget, now: number): GateState {
  return {
    tokens: budget.burst,
    refilledAt: now,
    granted: [],
    heldUntil: 0,
    failures: 0,
    openUntil: 0,
    openForMs: limits.breakerOpenMs,
    probeUntil: 0,
    retryTokens: limits.retryReserve,
    paused: false,
  };
}

/**
 * May calls go out? In any 60 seconds at most `perMinute` do, whatever the bucket holds. Several permits at once are
 * given only while all is well: who may be told to stop, or is to tell how it went, gets one.
 */
export function acquire(
  state: GateState,
  ask: CallAsk,
  budget: GateBudget,
  now: number,
): { readonly state: GateState; readonly permit: Permit } {
  const refilled = refill(state, budget, now);
  const refuse = (permit: Permit) => ({ state: refilled, permit });
  if (refilled.paused) return refuse({ granted: false, by: "paused" });
  if (now < refilled.heldUntil)
    return refuse({ granted: false, by: "rate_limit", waitMs: refilled.heldUntil - now });
  if (now < refilled.openUntil)
    return refuse({ granted: false, by: "breaker", waitMs: refilled.openUntil - now });
  if (now < refilled.probeUntil) return refuse({ granted: false, by: "breaker", waitMs: 1_000 });

  if (budgetWait(refilled, ask.class, 1, budget, now) > 0) {
    const waitMs = budgetWait(refilled, ask.class, ask.calls ?? 1, budget, now);
    return refuse({ granted: false, by: "budget", waitMs });
  }
  const probe = refilled.openUntil > 0;
  if (ask.retry && !probe && refilled.retryTokens < 1) {
    return refuse({ granted: false, by: "budget", waitMs: 60_000 / limits.retriesPerMinute });
  }
  const report = probe || refilled.failures > 0 || (refilled.limited ?? 0) > 0;
  const several = ask.calls !== undefined && !report && !ask.retry;
  const calls = several ? Math.min(ask.calls, freeCalls(refilled, ask.class, budget)) : 1;
  const retryCost = ask.retry && !probe ? -1 : limits.retryShare * calls;
  const spentBy = ask.calls === undefined ? now : now + limits.permitMs;
  const after = {
    ...refilled,
    tokens: refilled.tokens - calls,
    granted: countGrants(refilled.granted, calls, spentBy),
    retryTokens: Math.min(limits.retryReserve, refilled.retryTokens + retryCost),
    probeUntil: probe ? now + limits.upstreamTimeoutMs : 0,
  };
  if (ask.calls === undefined) return { state: after, permit: { granted: true, report } };
  const left = freeCalls(after, ask.class, budget);
  const fullMs = budgetWait(after, ask.class, budget.burst, budget, now);
  return { state: after, permit: { granted: true, report, calls, left, fullMs } };
}

/** What became of a granted call. */
export function report(state: GateState, call: CallReport, now: number): GateState {
  switch (call.outcome) {
    case "ok":
      return {
        ...state,
        limited: 0,
        failures: 0,
        openUntil: 0,
        openForMs: limits.breakerOpenMs,
        probeUntil: 0,
      };
    case "rate_limited": {
      // Calls already under way when the pause began were refused for the same reason. A pause that was too short
      // is followed by one twice as long, whatever it is told: an allowance that is gone does not come back by asking.
      const known = now < state.heldUntil;
      const limited = known ? (state.limited ?? 0) : (state.limited ?? 0) + 1;
      const asked = Math.min(call.retryAfterMs ?? limits.rateLimitPauseMs, limits.rateLimitPauseMaxMs);
      const doubled = known
        ? 0
        : Math.min(limits.rateLimitAgainMs * 2 ** (limited - 1), limits.breakerOpenMaxMs);
      const heldUntil = Math.max(state.heldUntil, now + asked, limited > 1 ? now + doubled : 0);
      return { ...state, limited, heldUntil, probeUntil: 0 };
    }
    case "key_rejected":
      return { ...state, paused: true, probeUntil: 0 };
    case "failed": {
      // Calls already under way when the breaker opened fail too; they are the same outage, not a new one.
      if (now < state.openUntil) return state;
      const failures = state.failures + 1;
      if (failures < limits.breakerFailures && state.openUntil === 0) return { ...state, failures };
      return {
        ...state,
        failures,
        openUntil: now + state.openForMs,
        openForMs: Math.min(state.openForMs * 2, limits.breakerOpenMaxMs),
        probeUntil: 0,
      };
    }
  }
}

/** An operator's word that the key is good again. The budget already spent stays spent. */
export function resume(state: GateState): GateState {
  return {
    ...state,
    paused: false,
    failures: 0,
    openUntil: 0,
    openForMs: limits.breakerOpenMs,
    probeUntil: 0,
  };
}

function refill(state: GateState, budget: GateBudget, now: number): GateState {
  // A clock that stepped back refills nothing and breaks nothing.
  const elapsedMs = Math.max(0, now - state.refilledAt);
  return {
    ...state,
    tokens: Math.min(budget.burst, state.tokens + (elapsedMs * budget.perMinute) / 60_000),
    retryTokens: Math.min(
      limits.retryReserve,
      state.retryTokens + (elapsedMs * limits.retriesPerMinute) / 60_000,
    ),
    refilledAt: now,
    granted: recent(state.granted, now),
  };
}

const reserveOf = (callClass: CallClass, { burst }: GateBudget) => Math.floor(RESERVES[callClass] * burst);

const lately = ({ granted }: GateState) => granted.reduce((sum, [, count]) => sum + count, 0);

function freeCalls(state: GateState, callClass: CallClass, budget: GateBudget): number {
  const reserve = reserveOf(callClass, budget);
  const ofMinute = budget.perMinute - lately(state) - Math.min(reserve, budget.perMinute - 1);
  return Math.max(0, Math.min(Math.floor(state.tokens) - reserve, ofMinute));
}

/**
 * @param calls wanted; no more are waited for than the class may ever have at once
 * @returns 0 when the class may make them now, else ms until it is worth asking again
 */
function budgetWait(
  state: GateState,
  callClass: CallClass,
  calls: number,
  budget: GateBudget,
  now: number,
): number {
  const need = Math.min(calls + reserveOf(callClass, budget), budget.burst);
  let counted = lately(state);
  const most = budget.perMinute - Math.min(need, budget.perMinute);
  if (counted > most) {
    for (const [second, count] of state.granted) {
      counted -= count;
      if (counted <= most) return Math.max(1, (second + 61) * 1_000 - now);
    }
  }
  if (state.tokens >= need) return 0;
  return Math.max(1, Math.ceil(((need - state.tokens) * 60_000) / budget.perMinute));
}

function countGrants(granted: GateState["granted"], calls: number, spentBy: number): GateState["granted"] {
  const second = Math.floor(spentBy / 1_000);
  const same = granted.find(([at]) => at === second)?.[1] ?? 0;
  return [
    ...granted.filter(([at]) => at < second),
    [second, same + calls],
    ...granted.filter(([at]) => at > second),
  ];
}

/** Of the last minute. Seconds the clock has since stepped back behind count as this one. */
function recent(granted: GateState["granted"], now: number): GateState["granted"] {
  const second = Math.floor(now / 1_000);
  const furthest = Math.floor((now + limits.permitMs) / 1_000);
  const kept = granted.filter(([at]) => at >= second - 60 && at <= furthest);
  const ahead = granted.reduce((sum, [at, count]) => (at > furthest ? sum + count : sum), 0);
  return ahead === 0 ? kept : countGrants(kept, ahead, now);
}
