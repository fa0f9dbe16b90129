// The queue consumers: messages in, exactly one of ack, retry or park for each. An uncaught throw would
// redeliver a whole batch, so what fails is settled per connection.

import { afterFailure } from "../core/failure.ts";
import type { RecordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { runBackfill } from "../sync/backfill.ts";
import { runMinimise } from "../sync/fields.ts";
import { hydrate } from "../sync/hydrate.ts";
import { type JobDeps, runJob } from "../sync/jobs.ts";
import { ACK, type EventMessage, type JobMessage, type Queued, type Settlement } from "../sync/messages.ts";
import { type Parked, park } from "../sync/park.ts";
import { runRebuild } from "../sync/rebuild.ts";
import { closeReminders, keepReminder } from "../sync/reminders.ts";
import type { QueueName } from "../sync/stores.ts";
import { guardSubscription } from "../sync/subscription.ts";
import { runSweeps } from "../sync/sweeps.ts";
import { isAccessMessage, keepAccess } from "./access.ts";
import { composeOrLog, type Services } from "./compose.ts";
import type { Env } from "./env.ts";
import { parseEventMessage, parseJobMessage } from "./messages.ts";

/**
 * A bad environment is mended by a person, who may take a while: the messages wait it out instead of using up
 * their retries within minutes.
 */
export async function consumeOrWait(env: Env, batch: MessageBatch): Promise<void> {
  let services: Services;
  try {
    services = composeOrLog(env);
  } catch {
    batch.retryAll({ delaySeconds: limits.retryCapSeconds });
    return;
  }
  await consume(services, batch);
}

export async function consume(services: Services, batch: MessageBatch): Promise<void> {
  switch (batch.queue) {
    case "mirror-events":
      return consumeWith(services, batch, "events", parseEventMessage, settleEvents);
    case "mirror-jobs":
      return consumeWith(services, batch, "jobs", parseJobMessage, settleJobs);
    case "mirror-access":
      return keepAccess(services, batch.messages);
    case "mirror-dead-letters":
      return parkAll(services, batch);
    default:
      throw new Error(
        `no consumer for queue ${batch.queue}: wrangler.toml names a queue this version does not know`,
      );
  }
}

interface Entry<T> extends Queued<T> {
  readonly message: Message;
}

async function consumeWith<T extends EventMessage | JobMessage>(
  services: Services,
  batch: MessageBatch,
  queue: QueueName,
  parse: (body: unknown) => T,
  settle: (services: Services, entries: readonly Entry<T>[]) => Promise<readonly Settlement[]>,
): Promise<void> {
  const entries = batch.messages.flatMap((message) => readEntry(services, queue, message, parse));
  await Promise.all(
    [...Map.groupBy(entries, ({ body }) => body.connection).values()].map(async (group) => {
      const settlements = await settleOrRetry(services, group, settle);
      await apply(services, queue, group, settlements);
    }),
  );
}

/** A message no version of ours wrote is not retried for ever; it is logged by size, not by content. */
function readEntry<T>(
  services: Services,
  queue: QueueName,
  message: Message,
  parse: (body: unknown) => T,
): Entry<T>[] {
  try {
    return [{ body: parse(message.body), attempts: message.attempts, message }];
  } catch {
    services.log("error", "message_unreadable", { queue });
    message.ack();
    return [];
  }
}

/** The database or a writer was away: the messages come back, a little later each time. */
async function settleOrRetry<T>(
  services: Services,
  group: readonly Entry<T>[],
  settle: (services: Services, entries: readonly Entry<T>[]) => Promise<readonly Settlement[]>,
): Promise<readonly Settlement[]> {
  try {
    return await settle(services, group);
  } catch (error) {
    services.log("error", "batch_failed", { messages: group.length, error: errorName(error) });
    return group.map(({ attempts }): Settlement => {
      const after = afterFailure({ kind: "interrupted" }, attempts, services.random());
      return after.result === "park" ? { result: "park", reason: after.reason } : after;
    });
  }
}

/** Parked before acknowledged: dying between the two parks a message twice, never not at all. */
async function apply<T extends EventMessage | JobMessage>(
  services: Services,
  queue: QueueName,
  entries: readonly Entry<T>[],
  settlements: readonly Settlement[],
): Promise<void> {
  const parked: (Parked & { readonly message: Entry<T> })[] = [];
  entries.forEach((entry, i) => {
    const settlement = settlements[i] ?? { result: "retry", delaySeconds: 1 };
    if (settlement.result === "ack") entry.message.ack();
    else if (settlement.result === "retry") entry.message.retry({ delaySeconds: settlement.delaySeconds });
    else parked.push({ queue, message: entry, reason: settlement.reason });
  });
  if (parked.length === 0) return;
  try {
    await park(services, parked);
    for (const { message } of parked) message.message.ack();
  } catch {
    for (const { message } of parked) message.message.retry({ delaySeconds: 60 });
  }
}

async function settleEvents(
  services: Services,
  entries: readonly Entry<EventMessage>[],
): Promise<readonly Settlement[]> {
  const connection = await connectionOf(services, entries);
  // Removed meanwhile: what was under way for it has nowhere to go.
  if (connection === undefined) return entries.map(() => ACK);
  const deps = {
    ...services.of(connection, "event"),
    keepReminder: (message: EventMessage) => keepReminder(services, connection, message),
    closeReminders: (message: EventMessage) => closeReminders(services, connection, message),
    clearBackfills: (clientId: RecordId) => services.backfills.clearClient(connection.id, clientId),
  };
  return hydrate(deps, connection, entries);
}

async function settleJobs(
  services: Services,
  entries: readonly Entry<JobMessage>[],
): Promise<readonly Settlement[]> {
  const found = await connectionOf(services, entries);
  if (found === undefined) return entries.map(() => ACK);
  const deps: JobDeps = {
    ...services,
    writers: services.writers(found.id),
    parseEvent: parseEventMessage,
    parseJob: parseJobMessage,
    sweep: (connection, names) => runSweeps(services.of(connection, "sweep"), connection, names),
    backfill: ({ id }, backfill, attempts) =>
      runBackfill({ ...services, writers: services.writers(id) }, id, backfill, attempts),
    rebuild: (connection, attempts) => runRebuild(services.of(connection, "rebuild"), connection, attempts),
    minimise: (connection) => runMinimise(services.of(connection, "rebuild"), connection),
    guard: (connection) => guardSubscription(services.of(connection, "sweep"), connection),
    resumeGate: ({ id }) => services.gate(id).resume(),
  };
  return Promise.all(entries.map((entry) => runJob(deps, found, entry)));
}

function connectionOf(services: Services, entries: readonly Entry<EventMessage | JobMessage>[]) {
  const [first] = entries;
  return first ? services.connections.get(first.body.connection) : Promise.resolve(undefined);
}

/** What the platform gave up on after its last retry. */
async function parkAll(services: Services, batch: MessageBatch): Promise<void> {
  const reason = "the platform's retries were used up";
  const accesses = batch.messages.filter(({ body }) => isAccessMessage(body));
  if (accesses.length > 0) await keepAccess(services, accesses);
  const others = batch.messages.filter(({ body }) => !isAccessMessage(body));
  const parked = others.flatMap((message): Parked[] => {
    const queue: QueueName = isJob(message.body) ? "jobs" : "events";
    const parse: (body: unknown) => EventMessage | JobMessage =
      queue === "jobs" ? parseJobMessage : parseEventMessage;
    return readEntry(services, queue, message, parse).map((entry) => ({ queue, message: entry, reason }));
  });
  if (parked.length > 0) await park(services, parked);
  for (const message of others) message.ack();
}

function isJob(body: unknown): boolean {
  return typeof body === "object" && body !== null && "job" in body;
}

/** Of an error whose message may hold anything. */
function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
