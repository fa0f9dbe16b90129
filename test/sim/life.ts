// A life is whatever dies as one: an invocation, an isolate, a Durable Object. Every call it makes to the world
// around it is a step, before and after which it may die; what has died does nothing any more, so its promises never
// end.

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
  /** The same without a promise: `go` is never called by the dead. */
  after(forMs: number, go: () => void): void;
  /** It ended well: of so many steps. */
  end(): void;
}

/** `object`: it lives until it dies. `invocation`: it has an end of its own, and most reach it. */
export type Sort = "invocation" | "object";

export interface LifeWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly counters: { invocations: number; invocationsDied: number; objectsDied: number };
  /** Steps that invocations of a name lately took, so that the doomed may die at any of them. */
  readonly lengths: Map<string, number>;
}

/** An object's steps until it dies, at a rate of 1. */
const OBJECT_STEPS = 40;

export function createLife(world: LifeWorld, sort: Sort, name: string): Life {
  const { clock, chance, faults, counters, lengths } = world;
  let alive = true;
  let steps = 0;
  const told: (() => void)[] = [];
  const doom = sort === "invocation" ? doomOf(chance, faults().crash, lengths.get(name) ?? 10) : 0;
  if (sort === "invocation") counters.invocations++;

  function dies(): boolean {
    steps++;
    if (sort === "invocation") {
      if (steps !== doom) return false;
      counters.invocationsDied++;
      return true;
    }
    if (!chance.happens(faults().crash / OBJECT_STEPS)) return false;
    counters.objectsDied++;
    return true;
  }

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
    after(forMs, go) {
      if (!alive) return;
      if (dies()) {
        life.kill();
        return;
      }
      if (forMs === 0) go();
      else
        clock.at(clock.now() + forMs, () => {
          if (alive) go();
        });
    },
    step: (forMs) => new Promise((resolve) => life.after(forMs, resolve)),
    end() {
      lengths.set(name, Math.ceil(((lengths.get(name) ?? steps) + steps) / 2));
    },
  };
  return life;
}

/** At which step an invocation dies; 0: at none. @param length steps it is expected to take */
function doomOf(chance: Chance, rate: number, length: number): number {
  return chance.happens(rate) ? chance.between(1, Math.max(1, length)) : 0;
}

export interface How {
  readonly forMs: () => number;
  /** A call that fails, half done or not at all. */
  readonly fails: (name: string) => false | "before" | "after";
}

interface Face {
  readonly life: Life;
  readonly target: Readonly<Record<string, (...given: unknown[]) => Promise<unknown>>>;
  readonly how: How;
}

/** One class per set of methods, for all histories of this process. */
const faces = new Map<string, new (face: Face) => object>();

/**
 * An object whose every method is a step of a life; it may fail, also after it took effect.
 * @returns makes it, for a life
 */
export function lived<T extends object>(target: T, how: How): (life: Life) => T {
  const names = Object.keys(target).filter(
    (name) => typeof (target as Readonly<Record<string, unknown>>)[name] === "function",
  );
  const key = names.join(" ");
  const FaceOf = faces.get(key) ?? faceOf(names);
  faces.set(key, FaceOf);
  return (life) => new FaceOf({ life, target: target as unknown as Face["target"], how }) as T;
}

function faceOf(names: readonly string[]): new (face: Face) => object {
  class FaceOf {
    readonly face: Face;
    constructor(face: Face) {
      this.face = face;
    }
  }
  for (const name of names)
    Object.defineProperty(FaceOf.prototype, name, {
      get(this: FaceOf) {
        const { face } = this;
        return (...given: unknown[]) => call(face, name, given);
      },
    });
  return FaceOf;
}

function call({ life, target, how }: Face, name: string, given: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    life.after(how.forMs(), () => {
      const fails = how.fails(name);
      if (fails === "before") {
        reject(new Error("the call did not arrive"));
        return;
      }
      const done = target[name]?.(...given) as Promise<unknown>;
      done.then(
        (result) =>
          life.after(0, () => {
            if (fails === "after") reject(new Error("the answer was lost"));
            else resolve(result);
          }),
        (error: unknown) => life.after(0, () => reject(error)),
      );
    });
  });
}
