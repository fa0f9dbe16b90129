// When is a change readable? From the moment its webhook was sent until a GET on the mirror's read API, with an
// app's key, returns the record as the change left it, or newer.

import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Fields } from "../fake-rcms/records.ts";
import type { Announced } from "./announced.ts";
import type { MirrorReader } from "./mirror-reader.ts";

// Quick enough to add little to a latency.
const LOOK_EVERY_MS = 15;

export interface Seen {
  readonly change: Announced;
  /** Webhook sent → readable; undefined when patience ran out. */
  readonly ms: number | undefined;
  /** Why reading failed, when that is what happened last. */
  readonly failure: string | undefined;
}

export interface Watcher {
  watch(change: Announced): Promise<Seen>;
  /** How many are not readable yet. */
  waiting(): number;
}

interface Waiting {
  readonly change: Announced;
  readonly resolve: (seen: Seen) => void;
}

export function createWatcher(mirror: MirrorReader, patienceMs: number): Watcher {
  const waiting = new Set<Waiting>();
  let looking = false;
  let failure: string | undefined;

  function settle(which: Waiting, ms: number | undefined): void {
    waiting.delete(which);
    which.resolve({ change: which.change, ms, failure: ms === undefined ? failure : undefined });
  }

  /** One look at everything that is waited for: one read per list, one per assessment status. */
  async function look(): Promise<void> {
    const groups = Map.groupBy(waiting, ({ change: { kind, id } }) =>
      kind === "assessment-status" ? `${kind} ${id}` : kind,
    );
    const reads = [...groups.values()].map(async (group) => {
      const records = await read(mirror, group);
      const now = Date.now();
      for (const one of group)
        if (shows(records.get(one.change.id), one.change)) settle(one, now - one.change.sentAtMs);
    });
    const results = await Promise.allSettled(reads);
    const failed = results.find((result) => result.status === "rejected");
    failure = failed === undefined ? undefined : describe(failed.reason);
    for (const one of waiting) if (Date.now() - one.change.sentAtMs > patienceMs) settle(one, undefined);
  }

  async function lookUntilAllSeen(): Promise<void> {
    looking = true;
    while (waiting.size > 0) {
      const began = performance.now();
      await look();
      // Looking costs the worker time as well: on a busy machine it must not slow down what it waits for.
      await sleep(Math.max(LOOK_EVERY_MS, performance.now() - began));
    }
    looking = false;
  }

  return {
    watch: (change) =>
      new Promise((resolve) => {
        waiting.add({ change, resolve });
        if (!looking) void lookUntilAllSeen();
      }),
    waiting: () => waiting.size,
  };
}

/** @param group all of one kind, and of one record where the kind has no list */
async function read(mirror: MirrorReader, group: readonly Waiting[]): Promise<ReadonlyMap<string, Fields>> {
  const [first] = group;
  if (first === undefined) return new Map();
  const { kind, id } = first.change;
  if (kind === "assessment-status") {
    const record = await mirror.assessmentStatus(id);
    return new Map(record === undefined ? [] : [[id, record]]);
  }
  if (kind === "reminders") return byId(await mirror.reminders());
  const oldest = group.map(({ change }) => String(change.record.updated_at)).toSorted()[0];
  return byId(await mirror.list(kind, oldest));
}

function shows(held: Fields | undefined, { kind, record }: Announced): boolean {
  if (held === undefined) return false;
  // A reminder is its event, kept once and for all.
  if (kind === "reminders") return true;
  return (
    Date.parse(String(held.updated_at)) > Date.parse(String(record.updated_at)) ||
    isDeepStrictEqual(held, record)
  );
}

function byId(records: readonly Fields[]): Map<string, Fields> {
  return new Map(records.map((record) => [String(record.id), record]));
}

/** `fetch` hides the interesting half in the cause. */
function describe(reason: unknown): string {
  const { message, cause } = reason as Error;
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
}
