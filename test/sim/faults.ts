// What may go wrong in a simulated history, as rates and windows. A profile says which layers are at work: a layer
// that heals another hides its bugs.

import type { Chance } from "./chance.ts";

export type Profile = "full" | "hooks-only" | "sweep-only";

export interface Faults {
  /** An event that RCMS never sends. */
  readonly drop: number;
  readonly duplicate: number;
  /** A delivery whose answer is lost on the way back: received, and sent again. */
  readonly lostAnswer: number;
  /** A call to the API that fails: 5xx, 429 or no answer. */
  readonly callFails: number;
  /** An invocation, a writer or the gate dies at a step. */
  readonly crash: number;
  /** A database call that fails; half of them after it took effect. */
  readonly database: number;
  /** A queue that refuses a message. */
  readonly queueRefuses: number;
  /** A message that was let go comes once more. */
  readonly redelivery: number;
  /** A read of KV answers with what was there up to a minute ago. */
  readonly staleKv: number;
  /** A tick of the clock comes twice. */
  readonly doubleTick: number;
  /** Upstream's clock minus ours, ms. */
  readonly skewMs: number;
  /** A write shows in GETs after up to this long. */
  readonly lagMs: number;
}

export const CALM: Faults = {
  drop: 0,
  duplicate: 0,
  lostAnswer: 0,
  callFails: 0,
  crash: 0,
  database: 0,
  queueRefuses: 0,
  redelivery: 0,
  staleKv: 0,
  doubleTick: 0,
  skewMs: 0,
  lagMs: 2_000,
};

/** Each fault is absent, rare or frequent, on its own. */
export function drawFaults(chance: Chance, profile: Profile): Faults {
  const upTo = (max: number) => chance.pick([0, max / 10, chance.next() * max]);
  return {
    drop: profile === "hooks-only" ? 0 : profile === "sweep-only" ? 1 : upTo(0.5),
    duplicate: upTo(0.4),
    lostAnswer: upTo(0.2),
    callFails: upTo(0.4),
    crash: upTo(0.02),
    database: upTo(0.02),
    queueRefuses: upTo(0.2),
    redelivery: upTo(0.1),
    staleKv: upTo(1),
    doubleTick: upTo(0.5),
    skewMs: chance.pick([0, chance.between(-600_000, 600_000)]),
    lagMs: chance.pick([0, 1_000, 5_000]),
  };
}
