// Two ways calls made at the same moment share their cost: one statement for many, and a bound on how many
// run at once.

import { limits } from "../core/limits.ts";

interface Grouping<T, R> {
  /** Entries of the same key never share a group. */
  readonly keyOf: (entry: T) => string;
  readonly sizeOf: (entry: T) => number;
  readonly run: (group: readonly T[]) => Promise<readonly R[]>;
}

/**
 * Group commit: while one group runs, what arrives waits and goes together in the next. Groups run one after
 * another and hold each key at most once, so entries of a key are applied in the order they came.
 */
export function createGroupCommit<T, R>({ keyOf, sizeOf, run }: Grouping<T, R>): (entry: T) => Promise<R> {
  interface Waiting {
    readonly entry: T;
    readonly resolve: (result: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let running = false;

  async function drain() {
    running = true;
    while (waiting.length > 0) {
      // One turn lets the other results of this moment join the group.
      await Promise.resolve();
      const group = takeGroup();
      try {
        const results = await run(group.map(({ entry }) => entry));
        group.forEach(({ resolve }, i) => {
          resolve(results[i] as R);
        });
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    running = false;
  }

  function takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    const later: Waiting[] = [];
    const keys = new Set<string>();
    let size = 0;
    for (const one of waiting) {
      size += sizeOf(one.entry);
      const key = keyOf(one.entry);
      // Once one entry has to wait for room, all behind it wait: none may overtake another of its key.
      const full = group.length >= limits.commitRows || (group.length > 0 && size > limits.commitBytes);
      if (full || keys.has(key)) later.push(one);
      else group.push(one);
      keys.add(key);
    }
    waiting = later;
    return group;
  }

  return (entry) => {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    waiting.push({ entry, resolve, reject });
    if (!running) void drain();
    return promise;
  };
}

/** At most `count` calls at a time; the rest wait their turn. */
export function createSlots(count: number): <T>(call: () => Promise<T>) => Promise<T> {
  let free = count;
  const queue: (() => void)[] = [];
  return async (call) => {
    if (free > 0) free--;
    else await new Promise<void>((go) => queue.push(go));
    try {
      return await call();
    } finally {
      const next = queue.shift();
      if (next) next();
      else free++;
    }
  };
}
