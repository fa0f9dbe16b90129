// Running totals of a run: what happened upstream, what arrived, and how fast.

import type { EventType } from "../fake-rcms/events.ts";
import type { Announced } from "./announced.ts";
import type { Seen } from "./watcher.ts";

export interface Tally {
  readonly byType: ReadonlyMap<EventType, number>;
  readonly changes: number;
  readonly mirrored: number;
  readonly late: number;
  /** Milliseconds, ascending. */
  readonly latencies: readonly number[];
}

export function createTally() {
  const byType = new Map<EventType, number>();
  const latencies: number[] = [];
  let mirrored = 0;
  let late = 0;
  let timing = true;
  return {
    /** Whether what arrives says something about how fast webhooks are. */
    timing(on: boolean): void {
      timing = on;
    },
    changed({ type }: Announced): void {
      byType.set(type, (byType.get(type) ?? 0) + 1);
    },
    seen({ ms }: Seen): void {
      if (ms === undefined) {
        late += 1;
        return;
      }
      mirrored += 1;
      if (timing) latencies.push(ms);
    },
    read: (): Tally => ({
      byType,
      changes: [...byType.values()].reduce((sum, count) => sum + count, 0),
      mirrored,
      late,
      latencies: latencies.toSorted((a, b) => a - b),
    }),
  };
}

/** The smallest latency that this share of all is not above (nearest rank); undefined when there is none. */
export function percentile(ascending: readonly number[], share: number): number | undefined {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)];
}
