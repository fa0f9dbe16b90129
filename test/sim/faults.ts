// What may go wrong in a simulated history, as rates and windows. A profile says which layers are at work: a layer
// that heals another hides its bugs.

import type { Chance } from "./chance.ts";

export const PROFILES = ["full", "hooks-only", "sweep-only"] as const;
export type Profile = (typeof PROFILES)[number];

export interface Faults {
  /** An event that RCMS never sends. */
  readonly drop: number;
  /** A delivery that comes twice. */
  readonly duplicate: number;
  /** A delivery that takes up to ten minutes, and so comes after later ones. */
  readonly delay: number;
  /** A delivery whose answer is lost on the way back: received, and sent again. */
  readonly lostAnswer: number;
  /** A call to the API that fails: 5xx, 429 or no answer. */
  readonly callFails: number;
  /** An answer of the API that is long under way: what it shows may be seconds old when it arrives. */
  readonly slow: number;
  /**
   * An invocation is doomed: it dies at one of its steps, any of as many as its like lately took. Writers and
   * isolates, which have no end of their own, die at each step with a fortieth of this.
   */
  readonly crash: number;
  /** A database call that fails before it did anything. */
  readonly database: number;
  /** A database call that took effect, and whose answer is lost. */
  readonly ambiguous: number;
  /** A queue that refuses a message. */
  readonly queueRefuses: number;
  /** A message that was let go comes once more. */
  readonly redelivery: number;
  /** A message that is up to a minute late, and so comes after later ones. */
  readonly queueLate: number;
  /** A read of KV answers with what was there up to a minute ago. */
  readonly staleKv: number;
  /** A tick of the clock comes twice, at once or within a minute. */
  readonly doubleTick: number;
  /** Upstream's clock minus ours, ms. */
  readonly skewMs: number;
  /** A write shows in GETs after up to this long. */
  readonly lagMs: number;
}

/** The highest of each rate; the histories draw up to it. */
export const MOST = {
  drop: 0.5,
  duplicate: 0.4,
  delay: 0.3,
  lostAnswer: 0.2,
  callFails: 0.4,
  slow: 0.2,
  crash: 0.6,
  database: 0.05,
  ambiguous: 0.2,
  queueRefuses: 0.2,
  redelivery: 0.2,
  queueLate: 0.3,
  staleKv: 1,
  doubleTick: 0.5,
  skewMs: 600_000,
  lagMs: 5_000,
} as const satisfies Faults;

export const FAULT_NAMES = Object.keys(MOST) as readonly (keyof Faults)[];

export const CALM: Faults = {
  drop: 0,
  duplicate: 0,
  delay: 0,
  lostAnswer: 0,
  callFails: 0,
  slow: 0,
  crash: 0,
  database: 0,
  ambiguous: 0,
  queueRefuses: 0,
  redelivery: 0,
  queueLate: 0,
  staleKv: 0,
  doubleTick: 0,
  skewMs: 0,
  lagMs: 2_000,
};

/** Each fault is absent, rare or frequent, on its own: where everything fails at once, nothing comes to its turn. */
export function drawFaults(chance: Chance, profile: Profile): Faults {
  const upTo = (most: number) => chance.pick([0, most / 10, chance.next() * most]);
  const drop = upTo(MOST.drop);
  return {
    drop: profile === "hooks-only" ? 0 : profile === "sweep-only" ? 1 : drop,
    duplicate: upTo(MOST.duplicate),
    delay: upTo(MOST.delay),
    lostAnswer: upTo(MOST.lostAnswer),
    callFails: upTo(MOST.callFails),
    slow: upTo(MOST.slow),
    crash: upTo(MOST.crash),
    database: upTo(MOST.database),
    ambiguous: upTo(MOST.ambiguous),
    queueRefuses: upTo(MOST.queueRefuses),
    redelivery: upTo(MOST.redelivery),
    queueLate: upTo(MOST.queueLate),
    staleKv: upTo(MOST.staleKv),
    doubleTick: upTo(MOST.doubleTick),
    skewMs: chance.pick([0, chance.between(-MOST.skewMs, MOST.skewMs)]),
    lagMs: chance.pick([0, 1_000, MOST.lagMs]),
  };
}
