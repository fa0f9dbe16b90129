// A first-in-first-out queue worked by a bounded number of lanes, and a way to wait until it is quiet.

export interface Lanes<T> {
  push(item: T): void;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

/** `run` must not reject. */
export function createLanes<T>(width: () => number, run: (item: T) => Promise<void>): Lanes<T> {
  let waiting: T[] = [];
  let next = 0;
  let running = 0;
  let waiters: (() => void)[] = [];

  function pump(): void {
    while (running < width() && next < waiting.length) {
      const item = waiting[next] as T;
      next += 1;
      running += 1;
      void run(item).finally(() => {
        running -= 1;
        pump();
      });
    }
    if (next < waiting.length) return;
    waiting = [];
    next = 0;
    if (running > 0) return;
    for (const resolve of waiters) resolve();
    waiters = [];
  }

  return {
    push(item) {
      waiting.push(item);
      pump();
    },
    idle: () =>
      running === 0 && waiting.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => void waiters.push(resolve)),
  };
}
