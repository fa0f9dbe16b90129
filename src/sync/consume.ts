// A batch of queue messages in, exactly one settlement for each out. An uncaught throw would redeliver a whole
// batch, so what fails is settled per connection; what is parked is parked before it is let go.

import { afterFailure } from "../core/failure.ts";
import type { RecordId } from "../core/ids.ts";
import { runBackfill } from "./backfill.ts";
import { namesIn } from "./batch.ts";
import { runMinimise } from "./fields.ts";
import { hydrate } from "./hydrate.ts";
import { type JobDeps, runJob } from "./jobs.ts";
import { ACK, type EventMessage, type JobMessage, type Queued, type Settlement } from "./messages.ts";
import { park } from "./park.ts";
import { runRebuild } from "./rebuild.ts";
import { closeReminders, keepReminder } from "./reminders.ts";
import type { Services } from "./services.ts";
import type { QueueName } from "./stores.ts";
import { guardSubscription } from "./subscription.ts";
import { runSweeps } from "./sweeps.ts";

/** What becomes of a message on its queue. What was given up on is parked by then, and let go. */
export type LetGo = Exclude<Settlement, { readonly result: "park" }>;

/**
 * @param backlog messages that wait behind this batch, as far as the queue says
 * @returns one per message, in order
 */
export function consumeEvents(
  services: Services,
  messages: readonly Queued<EventMessage>[],
  backlog = 0,
): Promise<readonly LetGo[]> {
  return consumeWith(services, messages, "events", (_, group) => settleEvents(services, group, backlog));
}

/** @returns one per message, in order */
export function consumeJobs(
  services: Services,
  messages: readonly Queued<JobMessage>[],
): Promise<readonly LetGo[]> {
  return consumeWith(services, messages, "jobs", settleJobs);
}

type Settle<T> = (services: Services, messages: readonly Queued<T>[]) => Promise<readonly Settlement[]>;

async function consumeWith<T extends EventMessage | JobMessage>(
  services: Services,
  messages: readonly Queued<T>[],
  queue: QueueName,
  settle: Settle<T>,
): Promise<readonly LetGo[]> {
  const settled = new Map<Queued<T>, LetGo>();
  const groups = Map.groupBy(messages, ({ body }) => body.connection);
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const settlements = await settleOrRetry(services, group, settle);
      const parked = await parkGivenUp(services, queue, group, settlements);
      group.forEach((message, i) => {
        const settlement = settlements[i] ?? SOON;
        settled.set(message, settlement.result === "park" ? parked : settlement);
      });
    }),
  );
  return messages.map((message) => settled.get(message) ?? SOON);
}

const SOON: LetGo = { result: "retry", delaySeconds: 1 };

/** The database or a writer was away: the messages come back, a little later each time. */
async function settleOrRetry<T>(
  services: Services,
  group: readonly Queued<T>[],
  settle: Settle<T>,
): Promise<readonly Settlement[]> {
  try {
    return await settle(services, group);
  } catch (error) {
    const name = error instanceof Error ? error.name : "unknown";
    services.log("error", "batch_failed", { messages: group.length, error: name });
    return group.map(({ attempts }): Settlement => {
      const after = afterFailure({ kind: "interrupted" }, attempts, services.random());
      return after.result === "park" ? { result: "park", reason: after.reason } : after;
    });
  }
}

/** Parked before acknowledged: dying between the two parks a message twice, never not at all. */
async function parkGivenUp<T extends EventMessage | JobMessage>(
  services: Services,
  queue: QueueName,
  messages: readonly Queued<T>[],
  settlements: readonly Settlement[],
): Promise<LetGo> {
  const parked = messages.flatMap((message, i) => {
    const settlement = settlements[i];
    return settlement?.result === "park" ? [{ queue, message, reason: settlement.reason }] : [];
  });
  if (parked.length === 0) return ACK;
  try {
    await park(services, parked);
    return ACK;
  } catch {
    return { result: "retry", delaySeconds: 60 };
  }
}

async function settleEvents(
  services: Services,
  messages: readonly Queued<EventMessage>[],
  backlog: number,
): Promise<readonly Settlement[]> {
  const [first] = messages;
  if (first === undefined) return [];
  // Side by side: one wait less for every event.
  const [connection, known] = await Promise.all([
    services.connections.get(first.body.connection),
    services.batches.known(first.body.connection, namesIn(messages)),
  ]);
  // Removed meanwhile: what was under way for it has nowhere to go.
  if (connection === undefined) return messages.map(() => ACK);
  const deps = {
    ...services.of(connection, "event"),
    backlog: async () => (await services.queues.backlog())?.events ?? backlog,
    keepReminder: (message: EventMessage) => keepReminder(services, connection, message),
    closeReminders: (message: EventMessage) => closeReminders(services, connection, message),
    clearBackfills: (clientId: RecordId) => services.backfills.clearClient(connection.id, clientId),
  };
  return hydrate(deps, connection, messages, known);
}

async function settleJobs(
  services: Services,
  messages: readonly Queued<JobMessage>[],
): Promise<readonly Settlement[]> {
  const [first] = messages;
  const found = first && (await services.connections.get(first.body.connection));
  if (found === undefined) return messages.map(() => ACK);
  const deps: JobDeps = {
    ...services,
    writers: services.writers(found.id),
    sweep: (connection, names) => runSweeps(services.of(connection, "sweep"), connection, names),
    backfill: ({ id }, backfill, attempts) =>
      runBackfill({ ...services, writers: services.writers(id) }, id, backfill, attempts),
    rebuild: (connection, attempts) => runRebuild(services.of(connection, "rebuild"), connection, attempts),
    minimise: (connection) => runMinimise(services.of(connection, "rebuild"), connection),
    guard: (connection) => guardSubscription(services.of(connection, "sweep"), connection),
    resumeGate: ({ id }) => services.gate(id).resume(),
  };
  return Promise.all(messages.map((message) => runJob(deps, found, message)));
}
