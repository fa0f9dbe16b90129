// The queue consumers' rim: messages are parsed, not trusted, and each is told what became of it.

import { limits } from "../core/limits.ts";
import { consumeEvents, consumeJobs, type LetGo } from "../sync/consume.ts";
import type { EventMessage, JobMessage, Queued } from "../sync/messages.ts";
import { type Parked, park } from "../sync/park.ts";
import type { QueueName } from "../sync/stores.ts";
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
      return consumeWith(services, batch, "events", parseEventMessage, (of, entries) =>
        consumeEvents(of, entries, backlogOf(batch)),
      );
    case "mirror-jobs":
      return consumeWith(services, batch, "jobs", parseJobMessage, consumeJobs);
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

/** A hint: where the platform does not say, a batch cares for itself alone. */
function backlogOf({ metadata }: Partial<Pick<MessageBatch, "metadata">>): number {
  return metadata?.metrics?.backlogCount ?? 0;
}

interface Entry<T> extends Queued<T> {
  readonly message: Message;
}

async function consumeWith<T extends EventMessage | JobMessage>(
  services: Services,
  batch: MessageBatch,
  queue: QueueName,
  parse: (body: unknown) => T,
  settle: (services: Services, entries: readonly Entry<T>[]) => Promise<readonly LetGo[]>,
): Promise<void> {
  const entries = batch.messages.flatMap((message) => readEntry(services, queue, message, parse));
  const settlements = await settle(services, entries);
  entries.forEach(({ message }, i) => {
    const settlement = settlements[i];
    if (settlement?.result === "ack") message.ack();
    else message.retry({ delaySeconds: settlement?.delaySeconds ?? 1 });
  });
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
