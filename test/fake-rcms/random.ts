// Seeded randomness and the ids made from it: the same seed gives the same people and the same faults.

import type { Settings } from "./settings.ts";

/** Uniform in [0, 1). */
export type Random = () => number;

export type IdNoun = "org" | "staff" | "client" | "asmt";
export type RecordId = string | number;

// mulberry32: tiny, fast, and good enough to pick names and faults; nothing secret is drawn from it.
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

export function between(random: Random, [min, max]: readonly [number, number]): number {
  return min + Math.floor(random() * (max - min + 1));
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

export type MintId = (noun: IdNoun, style: Settings["id_style"], nowMs: number) => RecordId;

export function createIdMint(random: Random): MintId {
  // Counted per noun from the same start, so client 260 and staff 260 both exist, as in one database's tables.
  const counters = new Map<IdNoun, number>();
  return (noun, style, nowMs) => {
    if (style === "uuid") return uuid(random);
    if (style === "ulid") return ulid(random, nowMs);
    if (style === "prefixed") return `${noun}_${ulid(random, nowMs)}`;
    const next = counters.get(noun) ?? 260;
    counters.set(noun, next + 1);
    return next;
  };
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function ulid(random: Random, nowMs: number): string {
  let time = "";
  for (let rest = Math.max(0, Math.floor(nowMs)), i = 0; i < 10; i += 1, rest = Math.floor(rest / 32))
    time = (CROCKFORD[rest % 32] ?? "0") + time;
  let tail = "";
  for (let i = 0; i < 16; i += 1) tail += CROCKFORD[Math.floor(random() * 32)] ?? "0";
  return time + tail;
}

export function uuid(random: Random): string {
  return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (mark) => {
    const digit = Math.floor(random() * 16);
    return (mark === "x" ? digit : (digit % 4) + 8).toString(16);
  });
}
