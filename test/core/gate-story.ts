// A gate and its clock, for tests that tell a story.

import {
  acquire,
  type CallClass,
  type CallReport,
  type GateState,
  openGate,
  type Permit,
  report,
  resume,
} from "../../src/core/gate.ts";

export const budget = { perMinute: 120, burst: 30 };
const START = 1_000_000_000;

export function gate(own = budget) {
  let state: GateState = openGate(own, START);
  let now = START;
  return {
    ask(callClass: CallClass = "event", retry = false): Permit {
      const asked = acquire(state, { class: callClass, retry }, own, now);
      state = asked.state;
      return asked.permit;
    },
    /** Asks until refused. @returns how many were granted */
    drain(callClass: CallClass, retry = false): number {
      let granted = 0;
      while (this.ask(callClass, retry).granted) granted++;
      return granted;
    },
    tell(call: CallReport): void {
      state = report(state, call, now);
    },
    fail(times: number): void {
      for (let i = 0; i < times; i++) this.tell({ outcome: "failed" });
    },
    resume(): void {
      state = resume(state);
    },
    pass(ms: number): void {
      now += ms;
    },
  };
}

/** To a call nobody needs to hear about. */
export const GRANTED: Permit = { granted: true, report: false };
