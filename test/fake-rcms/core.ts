// What every part of one network shares: its switches, its two clocks, its randomness and its timers.

import { createIdMint, type MintId, type Random, seededRandom } from "./random.ts";
import { defaultSettings, patchSettings, type Settings } from "./settings.ts";
import type { Timers } from "./timers.ts";

export interface Core {
  settings: Settings;
  /** This machine's time: lags, limits and expiries are measured on it. */
  clock(): number;
  /** The upstream's own idea of the time (`clock_skew_ms` away): every time it states comes from here. */
  now(): number;
  /** Two streams, so that switching a fault on does not change who gets enrolled next. */
  worldRandom: Random;
  faultRandom: Random;
  mintId: MintId;
  timers: Timers;
  patch(change: unknown): void;
}

export function createCore(clock: () => number, timers: Timers, speed: number, change: unknown): Core {
  const settings = defaultSettings(speed);
  patchSettings(settings, change);
  const core: Core = {
    settings,
    clock,
    now: () => clock() + settings.clock_skew_ms,
    ...seededStreams(settings.seed),
    timers,
    patch(next) {
      const seedBefore = settings.seed;
      patchSettings(settings, next);
      if (settings.seed !== seedBefore) reseed(core);
    },
  };
  return core;
}

// Ids already given out must not come again, so a new seed leaves the id mint alone.
function reseed(core: Core): void {
  const { worldRandom, faultRandom } = seededStreams(core.settings.seed);
  Object.assign(core, { worldRandom, faultRandom });
}

function seededStreams(seed: number) {
  return {
    worldRandom: seededRandom(seed),
    faultRandom: seededRandom(seed ^ 0x9e3779b9),
    mintId: createIdMint(seededRandom(seed ^ 0x51ed270b)),
  };
}

export function chance(random: Random, rate: number): boolean {
  return rate > 0 && random() < rate;
}
