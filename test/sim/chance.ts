// Chance from one 32-bit seed: every draw of a simulation comes from here, so that a seed is a history.

export interface Chance {
  /** 0 ≤ x < 1 */
  next(): number;
  /** A whole number, both ends included. */
  between(min: number, max: number): number;
  happens(rate: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A stream of its own: what one part draws does not shift what another gets. */
  fork(name: string): Chance;
}

/** mulberry32: small, fast, and good enough to decide who dies when. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const chance: Chance = {
    next,
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
    happens: (rate) => rate > 0 && next() < rate,
    pick(from) {
      if (from.length === 0) throw new Error("nothing to pick from");
      return from[Math.floor(next() * from.length)] as (typeof from)[number];
    },
    fork: (name) => createChance(Math.imul(seed ^ textSeed(name), 0x9e3779b1)),
  };
  return chance;
}

function textSeed(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
