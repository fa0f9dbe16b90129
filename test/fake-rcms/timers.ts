// Timers that can all be stopped at once, so that closing the fake never waits for an hour-long retry.

import { clearTimeout as cancelTimer, setTimeout as startTimer } from "node:timers";

export interface Timers {
  /** Runs `run` after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
  /** Never settles when the timers are stopped first. */
  sleep(ms: number): Promise<void>;
  stop(): void;
}

// Node fires timers longer than 2^31-1 ms at once; the longest ladder step is far below it.
const LONGEST_MS = 2 ** 31 - 1;

export function createTimers(): Timers {
  const running = new Set<ReturnType<typeof startTimer>>();
  let stopped = false;

  function after(ms: number, run: () => void): () => void {
    if (stopped) return () => {};
    const timer = startTimer(
      () => {
        running.delete(timer);
        run();
      },
      Math.min(Math.max(0, ms), LONGEST_MS),
    );
    running.add(timer);
    return () => {
      running.delete(timer);
      cancelTimer(timer);
    };
  }

  return {
    after,
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    stop() {
      stopped = true;
      for (const timer of running) cancelTimer(timer);
      running.clear();
    },
  };
}
