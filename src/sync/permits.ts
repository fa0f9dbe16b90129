// Permits taken from the gate together (GT1): a walk knows how many looks it is about to ask for, so it asks the gate
// once, waits for the budget itself, and gives its writer what it got. Waiting in the writer would be billed.

import type { CallAsk, CallClass, CallReport, Permit } from "../core/gate.ts";
import type { Leasing } from "../core/leases.ts";
import { limits } from "../core/limits.ts";
import type { Gate } from "./ports.ts";

/** For so many calls, one after the other. */
export interface Permits {
  readonly calls: number;
  /** Our clock, ms: void from then on. */
  readonly until: number;
  /** The gate wants to hear of success too, not only of failure. */
  readonly report: boolean;
}

/** The gate, as whoever makes a call sees it. */
export interface Door {
  acquire(ask: CallAsk): Promise<Permit>;
  report(call: CallReport): Promise<void>;
}

export interface PermitDeps {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly gate: Pick<Gate, "acquire">;
}

const NONE: Permits = { calls: 0, until: 0, report: false };

/**
 * Permits for one walk, a few at a time, each time under its lease, which asking keeps (SW4). Where fewer are left than
 * it wants it waits first until the budget should have come back: asked as soon as there is one, the gate would be
 * asked for each. How long it may wait, each time and in all, is bounded.
 * @returns how to take the next ones: as many as asked for or fewer; none where the gate is closed or the wait too
 * long: then the next look asks the gate for itself, and is told why; undefined while another holds the lease
 */
export function permitsInTurn(
  { now, sleep, gate }: PermitDeps,
  callClass: CallClass,
  under: Leasing,
): (calls: number) => Promise<Permits | undefined> {
  let known = { left: Number.POSITIVE_INFINITY, fullMs: 0 };
  let leftMs: number = limits.walkWaitsMs;
  async function waited(ms: number): Promise<boolean> {
    if (ms > Math.min(limits.walkWaitMs, leftMs)) return false;
    // What was slept is counted, not read from a clock, which the platform holds still between I/O.
    leftMs -= Math.max(1, ms);
    // In steps, each as short as any wait for budget: what takes longer in one piece is a timeout.
    for (let slept = 0; slept < ms; slept += limits.gateWaitMs)
      await sleep(Math.min(limits.gateWaitMs, ms - slept));
    return true;
  }
  return async (calls) => {
    if (calls > known.left) await waited(known.fullMs);
    for (let asked = 1; ; asked++) {
      // Read before the gate is asked: void here is never later than what the gate counts with.
      const until = now() + limits.permitMs;
      const permit = await gate.acquire({ class: callClass, retry: false, calls }, under);
      if (permit.granted) {
        const { left = 0, fullMs = 0 } = permit;
        known = { left, fullMs };
        return { calls: permit.calls ?? 1, until, report: permit.report };
      }
      if (permit.by === "lease") return undefined;
      // Refused again, others are before it: that wait is for the queue.
      if (permit.by !== "budget" || asked > 1 || !(await waited(permit.waitMs))) return NONE;
    }
  };
}

/**
 * The gate, as a writer sees it that was given permits. Guarantees: each is spent once, none after its time, and none
 * after a call on them was refused or failed: then the gate is asked again, which knows of every pause. So a walk keeps
 * a pause that begins elsewhere from its first refusal on, and after `limits.permitMs` at the latest. What is not spent
 * is lost, as it is when this life ends: the budget was counted, and counting too much is safe.
 */
export function spending(
  gate: Door,
  { calls, until, report }: Permits,
  now: () => number,
): Door & { /** None is left. */ readonly over: () => boolean } {
  let left = calls;
  const over = () => left < 1 || now() >= until;
  return {
    over,
    async acquire(ask) {
      // A repeated call has a ration of its own; of that the gate has not heard.
      if (over() || ask.retry) return gate.acquire(ask);
      left--;
      return { granted: true, report };
    },
    async report(call) {
      if (call.outcome !== "ok") left = 0;
      await gate.report(call);
    },
  };
}
