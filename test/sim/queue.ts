// A queue as the platform keeps it: at least once, in no order, in batches, with delays and a bounded number of
// retries. A batch whose consumer dies comes back.

import type { LetGo } from "../../src/sync/consume.ts";
import type { Queued } from "../../src/sync/messages.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";

const MAX_RETRIES = 100;
const AGAIN_AFTER_DEATH_MS = 30_000;
const LATE_MS = 60_000;

interface Held<T> {
  readonly body: T;
  /** In the order they were sent. */
  readonly number: number;
  attempts: number;
  dueAt: number;
}

export interface SimQueue<T> {
  send(bodies: readonly T[], delayMs: number): void;
  /** Consumes what is due, when the consumer is up. */
  wake(): void;
  readonly size: number;
  readonly bodies: readonly T[];
  /** Since when the oldest batch is being consumed, our clock, ms. */
  readonly inHandSince: number | undefined;
}

export interface QueueCounters {
  batches: number;
  redelivered: number;
  batchesReturned: number;
  messagesReordered: number;
}

export function createQueue<T>(world: {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly isUp: () => boolean;
  /** Undefined: the consumer died. */
  readonly consume: (messages: readonly Queued<T>[]) => Promise<readonly LetGo[] | undefined>;
  readonly onDropped: (message: Queued<T>) => void;
  readonly counters: QueueCounters;
}): SimQueue<T> {
  const { clock, chance, counters, faults } = world;
  const waiting: Held<T>[] = [];
  /** And since when, our clock, ms. */
  const inHand = new Map<Held<T>, number>();
  let running = 0;
  let sent = 0;
  let newestTaken = 0;

  function add(held: Held<T>): void {
    waiting.push(held);
    clock.at(held.dueAt, wake);
  }

  function wake(): void {
    while (running < world.concurrency && world.isUp()) {
      const now = clock.now();
      const due = waiting.filter(({ dueAt }) => dueAt <= now);
      if (due.length === 0) return;
      const batch: Held<T>[] = [];
      while (due.length > 0 && batch.length < world.batchSize) {
        const [taken] = due.splice(chance.between(0, Math.min(due.length - 1, 3)), 1);
        if (taken === undefined) break;
        batch.push(taken);
        if (taken.number < newestTaken) counters.messagesReordered++;
        newestTaken = Math.max(newestTaken, taken.number);
      }
      for (const held of batch) waiting.splice(waiting.indexOf(held), 1);
      running++;
      void run(batch);
    }
  }

  async function run(batch: readonly Held<T>[]): Promise<void> {
    counters.batches++;
    for (const held of batch) {
      held.attempts++;
      inHand.set(held, clock.now());
    }
    const settled = await world.consume(batch.map(({ body, attempts }) => ({ body, attempts })));
    running--;
    if (settled === undefined) counters.batchesReturned++;
    batch.forEach((held, i) => {
      inHand.delete(held);
      const one = settled?.[i];
      if (one?.result === "ack") {
        if (!chance.happens(faults().redelivery)) return;
        counters.redelivered++;
        add({ ...held, dueAt: clock.now() + chance.between(0, 2 * LATE_MS) });
        return;
      }
      if (held.attempts > MAX_RETRIES) {
        world.onDropped(held);
        return;
      }
      const delayMs = one === undefined ? AGAIN_AFTER_DEATH_MS : one.delaySeconds * 1_000;
      held.dueAt = clock.now() + delayMs;
      add(held);
    });
    wake();
  }

  return {
    send(bodies, delayMs) {
      for (const body of bodies) {
        const late = chance.happens(faults().queueLate) ? chance.between(0, LATE_MS) : 0;
        add({
          // What is sent is text on its way: what comes out is a copy.
          body: JSON.parse(JSON.stringify(body)) as T,
          number: ++sent,
          attempts: 0,
          dueAt: clock.now() + delayMs + late + chance.between(5, 40),
        });
      }
    },
    wake,
    get size() {
      return waiting.length + inHand.size;
    },
    get inHandSince() {
      return inHand.size === 0 ? undefined : Math.min(...inHand.values());
    },
    get bodies() {
      return [...waiting, ...inHand.keys()].map(({ body }) => body);
    },
  };
}
