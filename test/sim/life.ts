// A life is whatever dies as one: an invocation, a Durable Object. Every call it makes to the world around it is a
// step, before and after which it may die; what has died does nothing any more, so its promises never end.

import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";

export interface Life {
  readonly alive: boolean;
  kill(): void;
  /** Called once, at death. */
  onDeath(told: () => void): void;
  /** @param forMs how long the step takes */
  step(forMs: number): Promise<void>;
}

export interface LifeWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly counters: { crashes: number };
}

export function createLife({ clock, chance, faults, counters }: LifeWorld): Life {
  let alive = true;
  const told: (() => void)[] = [];
  const forever = () => new Promise<never>(() => {});
  const life: Life = {
    get alive() {
      return alive;
    },
    kill() {
      if (!alive) return;
      alive = false;
      for (const tell of told) tell();
    },
    onDeath(tell) {
      told.push(tell);
    },
    async step(forMs) {
      if (!alive) return forever();
      if (chance.happens(faults().crash)) {
        counters.crashes++;
        life.kill();
        return forever();
      }
      if (forMs === 0) return;
      await clock.sleep(forMs);
      if (!alive) return forever();
    },
  };
  return life;
}

/** An object whose every method is a step of this life; it may fail, and then half the time after it took effect. */
export function lived<T extends object>(
  life: Life,
  target: T,
  how: { readonly forMs: () => number; readonly fails: () => false | "before" | "after" },
): T {
  return new Proxy(target, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name);
      if (typeof member !== "function") return member;
      return async (...given: unknown[]) => {
        await life.step(how.forMs());
        const fails = how.fails();
        if (fails === "before") throw new Error("the database was away");
        const result: unknown = await (member as (...given: unknown[]) => unknown)(...given);
        await life.step(0);
        if (fails === "after") throw new Error("the database answered too late");
        return result;
      };
    },
  });
}
