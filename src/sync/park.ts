// Giving up on a message without losing it: parked with a reason, listed, and sent again on an operator's word.

import type { Ref } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { EventMessage, JobMessage, Queued } from "./messages.ts";
import type { Queues } from "./ports.ts";
import type { DeadLetter, DeadLetterStore, QueueName, Replayed } from "./stores.ts";

export interface Parked {
  readonly queue: QueueName;
  readonly message: Queued<EventMessage | JobMessage>;
  readonly reason: string;
}

export async function park(
  deps: { readonly deadLetters: DeadLetterStore; readonly newId: () => string; readonly now: () => number },
  parked: readonly Parked[],
): Promise<void> {
  const parkedAt = deps.now();
  await deps.deadLetters.park(
    parked.map(({ queue, message: { body, attempts }, reason }) => ({
      id: deps.newId(),
      connection: body.connection,
      queue,
      ...subject(body),
      reason,
      attempts,
      since: "receivedAt" in body ? body.receivedAt : parkedAt,
      parkedAt,
      message: body,
    })),
  );
}

/**
 * Sends parked messages again, oldest first. Sent before removed: dying between the two sends one twice, which
 * the ledger and the writers make harmless.
 * @returns how many were sent; `more` when the bound was reached
 */
export async function replay(
  deps: {
    readonly deadLetters: DeadLetterStore;
    readonly queues: Pick<Queues, "sendEvents" | "sendJobs">;
    readonly parseEvent: (message: unknown) => EventMessage;
    readonly parseJob: (message: unknown) => JobMessage;
  },
  which: Replayed,
): Promise<{ readonly replayed: number; readonly more: boolean }> {
  const letters = await deps.deadLetters.take(which, limits.replayAtOnce);
  const readable = letters.flatMap((letter) => read(deps, letter) ?? []);
  const events = readable.flatMap(({ event }) => event ?? []);
  const jobs = readable.flatMap(({ job }) => job ?? []);
  if (events.length > 0) await deps.queues.sendEvents(events);
  if (jobs.length > 0) await deps.queues.sendJobs(jobs);
  await deps.deadLetters.remove(readable.map(({ id }) => id));
  return { replayed: readable.length, more: letters.length === limits.replayAtOnce && readable.length > 0 };
}

function read(
  deps: {
    readonly parseEvent: (message: unknown) => EventMessage;
    readonly parseJob: (message: unknown) => JobMessage;
  },
  { id, queue, message }: { readonly id: string; readonly queue: QueueName; readonly message: unknown },
): { readonly id: string; readonly event?: EventMessage; readonly job?: JobMessage } | undefined {
  try {
    return queue === "events" ? { id, event: deps.parseEvent(message) } : { id, job: deps.parseJob(message) };
  } catch {
    return undefined;
  }
}

function subject(body: EventMessage | JobMessage): Pick<DeadLetter, "type"> & { readonly ref?: Ref } {
  if ("job" in body) return { type: body.job, ...("ref" in body ? { ref: body.ref } : {}) };
  return { type: body.type, ...("ref" in body.what ? { ref: body.what.ref } : {}) };
}
